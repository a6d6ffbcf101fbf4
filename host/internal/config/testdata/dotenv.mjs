// Writes dotenv.json: what the npm package dotenv reads in files that are hard to
// read. Directus reads its .env with this version of it (@directus/env 5).
//
//   npm install --no-save --ignore-scripts dotenv@17.2.3
//   node dotenv.mjs > dotenv.json
import { createRequire } from 'node:module'
const require = createRequire(process.cwd() + '/')
const { parse } = require('dotenv')
const { version } = require('dotenv/package.json')

const files = [
	// Plain values, and what stands around them.
	'A=b', 'A=b\n', ' A = b ', 'A\t=\tb\t', 'A=', 'A= ', 'A', 'A=b c  d ', '\n\nA=b\n\n\nB=c', 'A=b\nA=c', 'A=b\nA=', '=b', 'A =b', 'A= =b', 'A==b',
	'A=a=b:c?d&e', 'A=pa$HOME${X}`id`', 'A=$(id)', 'A=\\', 'A=b\\', 'A=b\\\nB=c', 'A=\\n', 'A=b\\nc', 'A=b\\tc', 'A=C:\\new\\root',
	// Names.
	'export A=b', '  export   A=b', 'export\tA=b', 'exportA=b', 'export=b', 'export A', 'export A\nB=c', 'export\nA=b', 'export export A=b',
	'9A=b', 'A.B-C_d=e', '-A=b', '.=b', 'A B=c', 'A-=b', 'Ä=b', 'AÄ=b', 'a$=b', 'A[0]=b', '"A"=b', 'A+=b', 'A?=b', 'A,B=c',
	// A colon in place of the equals sign.
	'A: b', 'A:b', 'A : b', 'A:  b', 'A:\tb', 'A: "b"', 'A:\nB=c', 'A: \nB=c', 'A:', 'A: ', 'A:=b', 'A: =b',
	// Comments.
	'# A=b', '  # A=b\nB=c', 'A=b # c', 'A=b #c', 'A=b#c', 'A=#b', 'A= #b', 'A= # b', 'A="b" # c', 'A="b"#c', 'A="b#c"', "A='b#c'", 'A=`b#c`', 'A="b" # "c"',
	"A='b' # it's", 'A=b # c\nB=d', '#\nA=b', 'A=b ## c', 'A="b # c', "A='b # c", 'A="b" c # d', 'A=# "b"', 'A=b "c # d"', 'A=#', '#A', 'A #=b', 'A=https://x/#/y',
	'A="b"\n# "c"\nB=d', 'A="b # c\nB=d"', 'A=b\n#"\nB="c"',
	// Quotes.
	'A="b"', "A='b'", 'A=`b`', 'A=""', "A=''", 'A=``', 'A="', "A='", 'A=`', 'A="b', "A='b", 'A=`b', 'A=b"', "A=b'", 'A="b\'', 'A=\'b"', 'A= "b" ', 'A=" b "',
	"A=' b '", 'A=` b `', 'A="b" c', "A='b' c", 'A="b"c', 'A="b"c"d"', 'A=b"c"d', "A=it's", "A='it's'", 'A="it\'s"', "A='say \"b\"'", 'A=`say "it\'s"`',
	'A="b" "c"', "A='b' 'c'", "A='b'\\''c'", 'A=""b""', 'A="""b"""', "A='''b'''", 'A="\'b\'"', 'A=\'"b"\'', 'A="`b`"', 'A=b`c', 'A="b`', 'A=""""', 'A="""',
	// JSON in quotes, as Directus prints it, and otherwise.
	'AUTH_APPLE_PARAMS="{"response_mode":"form_post"}"', 'A={"b":"c"}', 'A=\'{"b":"c"}\'', 'A=`{"b":"c"}`', 'A="{"b":"#c"}"', 'A="{"b":"x #c"}"', 'A={"b":"#c"}',
	'A="{\\"b\\":\\"c\\"}"', 'A="{"b":"c\\nd"}"', 'A="{"b":"c"}" # d', 'A="{\n"b": "c"\n}"', 'A={\n"b": "c"\n}', 'A="[{"b":"c"},{"d":"e"}]"', 'A="{"b":{"c":"d"}}"\nE="f"',
	'A="{"b":"c"}"\nD="{"e":"f"}"', 'A=json:{"b":"c"}', 'A="json:{"b":"c"}"', 'A=string:b', 'A="array:b,"c""',
	// Backslashes in quotes.
	'A="b\\"c"', 'A="b\\\\"', 'A="b\\\\"\nB="c"', 'A="b\\"', 'A="b\\"\nB="c"', "A='b\\'c'", "A='b\\'", 'A=`b\\`c`', 'A="b\\nc"', "A='b\\nc'", 'A=`b\\nc`', 'A="b\\rc"',
	'A="b\\r\\nc"', 'A="b\\\\nc"', 'A="b\\tc"', 'A="\\u0041"', 'A="\\$b"', 'A="b\\nc" d', 'A="b\\nc', 'A="C:\\new"', 'A="\\"b\\""', "A='\\'b\\''", 'A="b\\\nc"', 'A="\\\\\\"b"',
	// Several lines.
	'A="b\nc"', "A='b\nc'", 'A=`b\nc`', 'A="b\n\nc\n"', 'A="b\nB=c"', 'A="b\nB=c', 'A="b\nB="c"', "A='b\nB='c'", "A='b\nB=don't\nC='d'", 'A="b\r\nc"', 'A="b\n# c\nd"',
	'A="b\nc" d', 'A="b\nc"d\ne"', 'A=\n"b"', 'A=\n\'b\'\nB=c', 'A= \n `b`', 'A=\nB=c', 'A=\n\nB="c"', 'A\n=b', 'A\n=\nB=c', 'A=b\n c=d', 'A=b\nc\nD=e', 'A="b\n\'c\'\nd"',
	'A=-----BEGIN KEY-----\nMIIE==\n-----END KEY-----\nB=c', 'A="-----BEGIN KEY-----\nMIIE==\nAbCd=\n-----END KEY-----\n"\nB=c', 'A="-----BEGIN KEY-----\\nMIIE==\\n-----END KEY-----"',
	'A="b\n"c"\nd"', "A='b\n'\nB='c'", 'A="b" \n\n# c\nB=d', 'A="\n"', 'A="\n\n"', 'A=b\n"c"\nB=d', 'A="b"\n"c"\nB=d',
	// Ends of lines, marks and spaces.
	'A=b\r\nB=c\r\n', 'A=b\rB=c', 'A="b\rc"', '\ufeffA=b', '\ufeff\nA=b', 'A=\ufeffb', 'A=b\u00a0', '\u00a0A=b', 'A\u00a0=b', 'A=\u00a0"b"', 'A="b"\u00a0# c', 'A=b\u2028', 'A=b\u2028B=c',
	'A="b"\u2028B=c', 'A="b" \u2029B="c"', 'A=b # c\u2028B=d', 'A=x\u2028"y"', 'A=b\u0085', 'A=b\vc', 'A=b\f', 'A=b\u0000c', 'A=\u3000b', 'A=ü😀', 'ü', 'A=b\u200b', '\u2028A=b',
	// Files as they are.
	'', '\n', ' ', '\ufeff', '#', '\n\n# only\n\n', 'not at all\nan .env', '<?xml version="1.0"?>\n<a b="c"/>', '{"a":"b"}', '---\na: b\nc:\n  - d\n', '[section]\nA=b', '; c\nA=b', '// c\nA=b',
	'PORT=8055\nPUBLIC_URL="/"\n\nSECRET="a b"\n# AUTH_PROVIDERS="x"\nAUTH_PROVIDERS="github,apple"\nAUTH_APPLE_PARAMS="{"response_mode":"form_post"}"\nAUTH_GITHUB_DRIVER="oauth2"\n',
]

console.log('{"dotenv":' + JSON.stringify(version) + ',"files":[')
console.log(files.map((text) => JSON.stringify([text, parse(text)])).join(',\n'))
console.log(']}')
