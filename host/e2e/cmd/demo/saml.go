package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/doorward/doorward/plugins/saml/samltest"
)

const (
	samlName  = "campus"
	samlLabel = "Campus Login"
)

// samlProvider is the SAML identity provider of the demo.
type samlProvider struct {
	*samltest.Server
	key string // the key of Doorward, in PEM
}

// startSAML starts it for a Doorward with this public URL.
func startSAML(publicURL string) (samlProvider, error) {
	key, err := x509.MarshalPKCS8PrivateKey(samltest.NewRSAKey().Signer)
	if err != nil {
		return samlProvider{}, fmt.Errorf("making a key for SAML: %w", err)
	}
	server, err := samltest.Listen(samltest.Config{
		Logout: publicURL + "/auth/login/" + samlName + "/logout",
		Users:  []samltest.User{samlPerson("erin", "Erin", "Evans"), samlPerson("frank", "Frank", "Fisher")},
	})
	if err != nil {
		return samlProvider{}, err
	}
	return samlProvider{server, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))}, nil
}

func samlPerson(id, given, family string) samltest.User {
	return samltest.User{NameID: id, Attributes: []samltest.Attribute{
		{Name: "givenName", Values: []string{given}}, {Name: "sn", Values: []string{family}},
		{Name: "displayName", Values: []string{given + " " + family}}, {Name: "mail", Values: []string{id + "@campus.example"}},
	}}
}

// addTo adds the settings of Doorward for the provider.
func (p samlProvider) addTo(env map[string]string) {
	const prefix = "AUTH_CAMPUS_"
	env["AUTH_PROVIDERS"] += "," + samlName
	env[prefix+"DRIVER"] = "saml"
	env[prefix+"LABEL"] = samlLabel
	env[prefix+"IDP_METADATA_URL"] = p.MetadataURL()
	env[prefix+"SP_PRIVATE_KEY"] = p.key
	env[prefix+"ALLOW_PUBLIC_REGISTRATION"] = "true"
}
