package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"
)

// TestPSS accepts RSASSA-PSS with the default parameters only.
func TestPSS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("what is signed")
	public := []crypto.PublicKey{other.Public(), key.Public()}
	for _, algorithm := range []string{PSSSHA256, PSSSHA384, PSSSHA512} {
		good, err := SignBytes(data, algorithm, key)
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyBytes(data, good, algorithm, public, Policy{}); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		h := methods[algorithm].hash
		pkcs1, err := rsa.SignPKCS1v15(nil, key, h, hash(h, data))
		if err != nil {
			t.Fatal(err)
		}
		bad := map[string][]byte{"PKCS #1 v1.5": pkcs1, "nothing": nil, "cut off": good[:len(good)-1]}
		for name, salt := range map[string]int{"a salt of a byte": 1, "a short salt": 8, "the longest salt": rsa.PSSSaltLengthAuto} {
			opts := &rsa.PSSOptions{SaltLength: salt, Hash: h}
			if bad[name], err = rsa.SignPSS(rand.Reader, key, h, hash(h, data), opts); err != nil {
				t.Fatal(err)
			}
		}
		for name, signature := range bad {
			if err := VerifyBytes(data, signature, algorithm, public, Policy{}); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %s: %v", algorithm, name, err)
			}
		}
		if err := VerifyBytes(data, good, RSASHA256, public, Policy{}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s as PKCS #1 v1.5: %v", algorithm, err)
		}
		if _, err := SignBytes(data, algorithm, other); err == nil {
			t.Errorf("%s with an ECDSA key", algorithm)
		}
	}
}
