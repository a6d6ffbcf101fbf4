package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream"
)

// Options are the settings of one SAML identity provider.
type Options struct {
	IDPMetadataURL         string        `option:"idp_metadata_url" doc:"The URL at which the identity provider publishes its metadata. Doorward reads it in the background and renews it before it expires. This or idp_metadata is required. With most identity providers, this is the only option that you need."`
	IDPMetadata            string        `option:"idp_metadata" doc:"The metadata of the identity provider as XML text, instead of a URL. Append _FILE to the name to read it from a file."`
	IDPEntityID            string        `option:"idp_entity_id" doc:"The entity ID of the identity provider. Required if the metadata describes more than one identity provider. If set, the metadata must contain it."`
	IDPMetadataCertificate string        `option:"idp_metadata_certificate" doc:"PEM certificates of the accepted signers of the metadata. If set, metadata that is not signed by one of them is refused."`
	IDPMetadataRefresh     time.Duration `option:"idp_metadata_refresh" default:"1h" doc:"The maximum time until the metadata is read again, from 1m to 7d. cacheDuration and validUntil in the metadata can shorten it."`

	EntityID        string `option:"entity_id" doc:"The entity ID of Doorward. The default is the entity ID in sp_metadata, otherwise the URL of Doorward's metadata."`
	SPMetadata      string `option:"sp_metadata" doc:"The metadata of the service provider that Doorward replaces. Doorward uses its entity ID and NameID format, and its assertion consumer service if that is the one of this provider as Directus names it (.../acs). WantAssertionsSigned and AuthnRequestsSigned are ignored with a warning. Doorward publishes its own metadata at the metadata URL."`
	NameIDFormat    string `option:"name_id_format" doc:"The NameID format to request: persistent, email, transient, unspecified, or a URN. A NameID of another format is refused, except that unspecified allows any. The default is the format in sp_metadata, otherwise none. Without a format, the person who signs in can choose one."`
	SPNameQualifier string `option:"sp_name_qualifier" doc:"The affiliation (SPNameQualifier) whose persistent NameIDs to request. By default, persistent NameIDs are for Doorward only. If this is set, or name_id_format is persistent, a persistent NameID for another service provider or affiliation is refused."`
	AllowCreate     bool   `option:"sp_allow_create" default:"true" doc:"Whether the identity provider may create an identifier for a user who signs in to Doorward for the first time."`

	SPPrivateKey        options.Secret `option:"sp_private_key" doc:"PEM private key (RSA, or ECDSA on P-256, P-384 or P-521) that signs requests and logout messages. Without it, nothing is signed, and a logout does not log out at the identity provider. You can append more keys, which are used for decryption only."`
	SPPrivateKeyPass    options.Secret `option:"sp_private_key_pass" doc:"The pass phrase of sp_private_key."`
	SPCertificate       string         `option:"sp_certificate" doc:"PEM certificates of sp_private_key and sp_enc_private_key, as registered with the identity provider. For a key without a certificate, Doorward generates a self-signed one, which is always the same."`
	SPEncPrivateKey     options.Secret `option:"sp_enc_private_key" doc:"PEM RSA private keys for decryption. The default is the RSA keys in sp_private_key. The first key is published; the others still decrypt until the identity provider uses the first."`
	SPEncPrivateKeyPass options.Secret `option:"sp_enc_private_key_pass" doc:"The pass phrase of sp_enc_private_key."`

	AuthnRequestsSigned   bool   `option:"sp_authn_requests_signed" doc:"Require sp_private_key, so that requests are always signed and Doorward's metadata says so. With that key, requests are signed even if this is not set."`
	SignatureAlgorithm    string `option:"sp_request_signature_algorithm" doc:"The URI of the signature algorithm. The default is RSA with SHA-256, or for an ECDSA key the hash that matches its curve."`
	IDPSignatureAlgorithm string `option:"idp_request_signature_algorithm" doc:"An alternative name for sp_request_signature_algorithm. If both are set, sp_request_signature_algorithm takes precedence."`
	RequestBinding        string `option:"request_binding" oneof:"redirect|post" doc:"The binding of requests to the identity provider. The default is redirect if the identity provider supports it, otherwise post."`

	WantAssertionsSigned bool   `option:"sp_want_assertions_signed" doc:"Accept only assertions that are signed themselves. By default, a signature over the whole response is sufficient."`
	WantMessageSigned    bool   `option:"sp_want_message_signed" doc:"Accept only responses that are signed as a whole. By default, a signature over the assertion is sufficient."`
	WantEncrypted        bool   `option:"idp_is_assertion_encrypted" doc:"Accept only encrypted assertions. Encrypted assertions are also accepted without this option if a decryption key is set."`
	MessageSigningOrder  string `option:"idp_message_signing_order" oneof:"sign-then-encrypt|encrypt-then-sign" doc:"Accepted for compatibility, without effect. An assertion can be signed before it is encrypted, and the response after that. A response that is signed before its assertion is encrypted (sign-then-encrypt of samlify) is refused: configure the identity provider to encrypt first."`
	RelayState           string `option:"sp_relay_state" doc:"Accepted for compatibility, without effect: RelayState is a token of the host."`

	ForceAuthn             bool     `option:"force_authn" doc:"Require the identity provider to authenticate every user again, and check that it did."`
	IsPassive              bool     `option:"is_passive" doc:"Request that the identity provider does not interact with the user. A user who is not already signed in there is not signed in."`
	AuthnContext           []string `option:"authn_context" doc:"The authentication contexts to require, as URIs, such as https://refeds.org/profile/mfa. A response with another context is refused."`
	AuthnContextComparison string   `option:"authn_context_comparison" default:"exact" oneof:"exact|minimum|better|maximum" doc:"How the identity provider compares contexts with authn_context. With a value other than exact, set authn_context_accepted to the contexts that satisfy it."`
	AuthnContextAccepted   []string `option:"authn_context_accepted" doc:"The authentication contexts that are accepted in a response. The default is authn_context."`

	IdentifierKey   string   `option:"identifier_key" doc:"The full name of the attribute that identifies the user. The default is the NameID. A value must never be given to another user."`
	UsernameKey     string   `option:"username_key" doc:"The attribute with the user name. The default is the first that is present of uid and the names that common identity providers use."`
	EmailKey        string   `option:"email_key" doc:"The attribute with the e-mail address. The default is the first that is present of the names that common identity providers use."`
	GivenNameKey    string   `option:"given_name_key" doc:"The attribute with the given name; default as for email_key."`
	FamilyNameKey   string   `option:"family_name_key" doc:"The attribute with the family name; default as for email_key."`
	NameKey         string   `option:"name_key" doc:"The attribute with the full name; default as for email_key."`
	GroupsKey       string   `option:"groups_key" doc:"The attribute with the groups; default as for email_key."`
	GroupsDelimiter string   `option:"groups_delimiter" doc:"The separator of groups if one value holds several, such as ; or a comma. By default, each value is one group."`
	RequestedAttrs  []string `option:"requested_attributes" doc:"Attributes that Doorward's metadata requests, in addition to those set in the options above."`

	ClockSkew   time.Duration `option:"clock_skew" default:"60s" doc:"The accepted difference between the clocks of the identity provider and the host; at most 5m."`
	ClockDrifts []string      `option:"sp_clock_drifts" doc:"Two numbers of milliseconds. The one with the larger absolute value replaces clock_skew."`

	InsecureAllowSHA1 bool `option:"insecure_allow_sha1" doc:"Accept signatures with SHA-1. Anyone who can create SHA-1 collisions can forge them."`
	InsecureAllowCBC  bool `option:"insecure_allow_cbc" doc:"Accept encryption with AES-CBC in responses that are signed as a whole. AES-CBC alone does not prevent changes to the encrypted content."`
	AllowExpiredCerts bool `option:"allow_expired_certificates" doc:"Accept signatures by a key in the metadata even if its certificate has expired. Some federations use certificates only as containers of keys."`

	upstream.HTTPOptions
}

const (
	minRefresh = time.Minute
	maxRefresh = 7 * 24 * time.Hour
	maxSkew    = 5 * time.Minute
)

// Validate checks what the types of the options cannot express.
func (o Options) Validate() error {
	var problems options.Problems
	o.validateProvider(&problems)
	if _, err := o.skew(); err != "" {
		problems.Addf("sp_clock_drifts", "%s", err)
	}
	if err := checkFormat(o.NameIDFormat); err != nil {
		problems.Addf("name_id_format", "%v", err)
	}
	if o.ClockSkew > maxSkew {
		problems.Addf("clock_skew", "must be at most %v: set both clocks by NTP instead", maxSkew)
	}
	if o.AuthnContextComparison != "exact" && len(o.AuthnContext) > 0 && len(o.AuthnContextAccepted) == 0 {
		problems.Addf("authn_context_accepted", "must list the accepted contexts if authn_context_comparison is %s, because Doorward does not know which contexts are stronger", o.AuthnContextComparison)
	}
	if o.ForceAuthn && o.IsPassive {
		problems.Addf("is_passive", "cannot be combined with force_authn: one forbids interaction with the user, the other requires it")
	}
	return problems.Err()
}

func (o Options) validateProvider(problems *options.Problems) {
	switch {
	case o.IDPMetadataURL == "" && o.IDPMetadata == "":
		problems.Addf("idp_metadata_url", "is required, unless idp_metadata contains the metadata")
	case o.IDPMetadataURL != "" && o.IDPMetadata != "":
		problems.Addf("idp_metadata_url", "cannot be combined with idp_metadata: set only one of them")
	}
	if o.IDPMetadataURL != "" {
		if _, err := upstream.ParseEndpoint(o.IDPMetadataURL); err != nil {
			problems.Addf("idp_metadata_url", "%v", err)
		}
	}
	if o.IDPMetadataRefresh < minRefresh || o.IDPMetadataRefresh > maxRefresh {
		problems.Addf("idp_metadata_refresh", "must be from 1m to 7d")
	}
}

// skew returns the clock skew, and what is wrong with sp_clock_drifts.
func (o Options) skew() (time.Duration, string) {
	if len(o.ClockDrifts) == 0 {
		return o.ClockSkew, ""
	}
	var skew time.Duration
	for _, text := range o.ClockDrifts {
		ms, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		drift := (time.Duration(ms) * time.Millisecond).Abs()
		if err != nil || drift > maxSkew {
			return 0, "must be two numbers of milliseconds, at most 300000 each"
		}
		skew = max(skew, drift)
	}
	return skew, ""
}

func (o Options) policy() xmldsig.Policy {
	return xmldsig.Policy{InsecureAllowSHA1: o.InsecureAllowSHA1}
}

// signatureAlgorithm is that of our signatures, and the option by which it is given.
func (o Options) signatureAlgorithm() (algorithm, option string) {
	if o.SignatureAlgorithm == "" && o.IDPSignatureAlgorithm != "" {
		return o.IDPSignatureAlgorithm, "idp_request_signature_algorithm"
	}
	return o.SignatureAlgorithm, "sp_request_signature_algorithm"
}

// keys reads the keys of the service provider.
func (o Options) keys() (ownkeys.Keys, error) {
	algorithm, option := o.signatureAlgorithm()
	return ownkeys.Read(ownkeys.Settings{
		Private: o.SPPrivateKey, PrivatePass: o.SPPrivateKeyPass, Enc: o.SPEncPrivateKey, EncPass: o.SPEncPrivateKeyPass,
		Certificate: o.SPCertificate, Algorithm: algorithm, AlgorithmOption: option, MustSign: o.AuthnRequestsSigned, MustDecrypt: o.WantEncrypted,
	})
}

// acceptedContexts lists the accepted values of AuthnContextClassRef; it is empty if any is
// accepted.
func (o Options) acceptedContexts() []string {
	if len(o.AuthnContextAccepted) > 0 {
		return o.AuthnContextAccepted
	}
	return o.AuthnContext
}

// insecure lists the options that are set and allow weak algorithms.
func (o Options) insecure() []string {
	var names []string
	if o.InsecureAllowSHA1 {
		names = append(names, "insecure_allow_sha1")
	}
	if o.InsecureAllowCBC {
		names = append(names, "insecure_allow_cbc")
	}
	return names
}
