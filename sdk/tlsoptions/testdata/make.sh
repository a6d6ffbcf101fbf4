#!/bin/sh
# Makes the files of this folder with OpenSSL 3.0: the forms in which certificates and
# keys come that are not what the options want.
set -eu
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=authority -days 36500 -keyout authority.key -out authority.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=client -keyout client.key -out request.pem
openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -days 36500 -out client.pem
cat client.pem authority.pem > chain.pem
cat authority.pem client.pem > chain-reversed.pem
openssl x509 -in client.pem -outform der -out client.der
openssl x509 -in client.pem -trustout -addtrust clientAuth -out trusted.pem
openssl pkey -in client.key -outform der -out client.key.der
openssl pkey -in client.key -pubout -out client.pub
openssl pkey -in client.key -aes256 -passout pass:hunter2 -out encrypted.key
openssl pkcs8 -topk8 -in client.key -outform der -passout pass:hunter2 -out encrypted.der
openssl ec -in client.key -aes256 -passout pass:hunter2 -out encrypted-traditional.key
openssl ecparam -name prime256v1 -out with-parameters.key
openssl ec -in client.key >> with-parameters.key
openssl pkcs12 -export -in chain.pem -inkey client.key -passout pass:hunter2 -out client.p12
openssl crl2pkcs7 -nocrl -certfile chain.pem -out chain.p7b
openssl crl2pkcs7 -nocrl -certfile chain.pem -outform der -out chain.p7b.der
openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -set_serial -5 -days 36500 -out negative-serial.pem
rm -f authority.key authority.srl
