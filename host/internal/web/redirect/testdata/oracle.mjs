// Prints what a browser's URL parser (Node's is the WHATWG one) makes of redirect targets that
// are made up to confuse: node oracle.mjs > oracle.json
//
// Each case is [raw, directus, lands]: the target; what the rules of Directus answer to it
// (null: refused); and the origin at which a browser would end that was sent there.
// The characters whose encoding differs between versions of the URL Standard (^ in a path) do
// not occur.

const publicURL = 'https://sso.example/base/'
const allowList = [
  'https://app.example/cb',
  'https://app.example:8443/cb?fixed=1',
  'http://127.0.0.1:3000/done',
  'https://bücher.example/'
]

const schemes = ['https://', 'http://', 'HtTpS://', 'https:', 'https:/', 'https:\\\\', 'https:///', '//', '\\\\', '/\\', '/\t/', 'ht\ntps://', ' https://', 'ftp://', 'javascript://']
const authorities = [
  'sso.example', 'SSO.Example', 'evil.example', 'app.example', 'app.example:8443', '127.0.0.1:3000', 'bücher.example', 'xn--bcher-kva.example',
  'sso.example@evil.example', 'evil.example@sso.example', ':@sso.example', 'sso.example\\@evil.example', 'sso.example%40evil.example', 'sso.example%2f@evil.example',
  'sso.example.evil.example', 'evilsso.example', 'sso.example.', 'sso。example', 'sso.example。evil', 'ｓso.example', 'ſso.example', '%73so.example', 's\tso.example',
  'sso.example:443', 'sso.example:80', 'sso.example:8443', 'sso.example:', 'sso.example:0443',
  '2130706433:3000', '0x7f.1:3000', '127.1:3000', '017700000001:3000', '[::1]', '[::ffff:127.0.0.1]:3000', '', '*', 'sso.example ', 'sso.example\u0000'
]
const tails = ['', '/', '/cb', '/done?x=1#y', "/a b'c?d'e f#g h`i", '/cb?', '//evil.example', '/..//evil.example', '/login', '/x/../cb', '/%63b', '\\cb', '?q', '#f', '/%0d%0a', '/ü']

const starts = ['', '/', '.', '..', '/.', '/..', '/x/..', '/%2e%2e', '/.%2E', '\\', '/;', '/..;', '?', '#', ' ', '/x']
const middles = ['/', '//', '\\', '\\\\', '/\t/', '/\r\n\\', '%2f', '/%2f', '%5c/', '/%09/', '/%2509/', ' ', '/ /', ';//', ':', '@', '/./', '/.//']
const ends = ['evil.example', 'login', 'auth/login/corp?x', 'a?b=c d#e', '']

function parse (text, base) {
  try {
    return new URL(text, base)
  } catch {
    return null
  }
}

// The rules of Directus, on top of the parser.
function directus (raw) {
  if (raw === '') return '/'
  const own = new URL(publicURL)
  const url = parse(raw)
  if (!url) {
    const relative = parse(raw, 'https://dummy.invalid')
    if (!relative || relative.origin !== 'https://dummy.invalid') return null
    return relative.pathname + relative.search + relative.hash
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  const entries = allowList.map(entry => new URL(entry))
  const listed = entries.some(entry => url.origin === entry.origin && url.pathname === entry.pathname)
  return listed || url.origin === own.origin ? url.href : null
}

function * targets () {
  for (const [i, scheme] of schemes.entries()) {
    for (const [j, authority] of authorities.entries()) {
      for (const k of [0, 7]) yield scheme + authority + tails[(i + j + k) % tails.length]
    }
  }
  for (const tail of tails) {
    for (const own of ['https://sso.example', 'https://app.example', 'http://127.0.0.1:3000']) yield own + tail
  }
  for (const start of starts) {
    for (const [j, middle] of middles.entries()) {
      for (const k of [0, 1]) yield start + middle + ends[(j + 2 * k + start.length) % ends.length]
    }
  }
}

const cases = [...new Set(targets())].map(raw => {
  const answer = directus(raw)
  const lands = parse(answer ?? raw, publicURL)
  return [raw, answer, lands && lands.origin]
})
const head = JSON.stringify({ publicURL, allowList }).slice(0, -1)
console.log(`${head},"cases":[\n${cases.map(c => JSON.stringify(c)).join(',\n')}\n]}`)
