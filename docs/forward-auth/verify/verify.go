// Verifies that a request came through Doorward, and from which user: Go, with
// github.com/go-jose/go-jose/v4.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	issuer = "https://sso.example.org"  // PUBLIC_URL, without a slash at the end
	origin = "https://wiki.example.org" // of this application
)

// verify returns the claims in a value of X-Doorward-Assertion, or an error if it is not valid.
func verify(assertion string, keys jose.JSONWebKeySet) (*jwt.Claims, error) {
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256})
	if err != nil {
		return nil, err
	}
	if token.Headers[0].ExtraHeaders[jose.HeaderType] != "doorward-assertion+jwt" {
		return nil, errors.New("another kind of token")
	}
	var claims jwt.Claims
	if err := token.Claims(keys, &claims); err != nil {
		return nil, err
	}
	want := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{origin}, Time: time.Now()}
	return &claims, claims.ValidateWithLeeway(want, 5*time.Second)
}

// readKeys returns the keys of Doorward. Read them again every five minutes.
func readKeys() (keys jose.JSONWebKeySet, err error) {
	resp, err := http.Get(issuer + "/.well-known/jwks.json")
	if err != nil {
		return keys, err
	}
	defer resp.Body.Close()
	return keys, json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&keys)
}

func main() {
	keys, err := readKeys()
	if err != nil {
		log.Fatal(err)
	}
	assertion, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	claims, err := verify(string(assertion), keys)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject)
}
