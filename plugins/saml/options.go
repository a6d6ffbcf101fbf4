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

// Options are what an operator may set for one SAML identity provider.
type Options struct {
	IDPMetadataURL         string        `option:"idp_metadata_url" doc:"Where the provider publishes its metadata. It is read in the background and again before it gets old. This or idp_metadata is required, and with most providers this one option is enough."`
	IDPMetadata            string        `option:"idp_metadata" doc:"The provider's metadata as XML text, in place of a URL. With the suffix _FILE it is read from a file."`
	IDPEntityID            string        `option:"idp_entity_id" doc:"The entity ID of the provider. Required where the metadata describes more than one identity provider; else the metadata must be of this one."`
	IDPMetadataCertificate string        `option:"idp_metadata_certificate" doc:"PEM certificates of those who may sign the provider's metadata. When set, metadata that is not signed by one of them is refused."`
	IDPMetadataRefresh     time.Duration `option:"idp_metadata_refresh" default:"1h" doc:"How often the metadata is read again, at most; cacheDuration and validUntil in it count, too. 1m to 7d."`

	EntityID        string `option:"entity_id" doc:"Our entity ID. By default that in sp_metadata, else the URL of our metadata."`
	SPMetadata      string `option:"sp_metadata" doc:"Metadata of the service provider that is replaced. Its entity ID and NameID format are taken over, and its assertion consumer service if that is ours by the name that Directus gives it (.../acs). WantAssertionsSigned and AuthnRequestsSigned in it are ignored, with a warning; our own metadata is at the metadata URL."`
	NameIDFormat    string `option:"name_id_format" doc:"The NameID format to ask for: persistent, email, transient, unspecified, or a URN. A NameID of another format is then refused, except that unspecified lets the provider send any. By default that in sp_metadata, else none: then whoever signs in can choose one."`
	SPNameQualifier string `option:"sp_name_qualifier" doc:"The affiliation (SPNameQualifier) whose persistent NameIDs to ask for, by default none: they are for us alone. Where this is set, or name_id_format is persistent, a persistent NameID for another one is refused."`
	AllowCreate     bool   `option:"sp_allow_create" default:"true" doc:"Whether the provider may make a new identifier for somebody who signs in here for the first time."`

	SPPrivateKey        options.Secret `option:"sp_private_key" doc:"PEM private key (RSA, or ECDSA on P-256, P-384 or P-521) that signs our requests and logout messages. Without it nothing is signed, and there is no logout at the provider. More keys may follow, for decryption only."`
	SPPrivateKeyPass    options.Secret `option:"sp_private_key_pass" doc:"Pass phrase of sp_private_key."`
	SPCertificate       string         `option:"sp_certificate" doc:"PEM certificates of sp_private_key and sp_enc_private_key, as the provider knows them. For a key without one, the same self-signed certificate is made each time."`
	SPEncPrivateKey     options.Secret `option:"sp_enc_private_key" doc:"PEM RSA private keys that decrypt, by default the RSA keys in sp_private_key. The first is published; the others still decrypt while the provider learns of the first."`
	SPEncPrivateKeyPass options.Secret `option:"sp_enc_private_key_pass" doc:"Pass phrase of sp_enc_private_key."`

	AuthnRequestsSigned   bool   `option:"sp_authn_requests_signed" doc:"Say in our metadata that requests are signed, and refuse to start without sp_private_key. With that key they are signed anyway."`
	SignatureAlgorithm    string `option:"sp_request_signature_algorithm" doc:"URI of the algorithm of our signatures. By default with SHA-256, or for an ECDSA key with the hash that goes with its curve."`
	IDPSignatureAlgorithm string `option:"idp_request_signature_algorithm" doc:"As sp_request_signature_algorithm, under the name that it has for the provider."`
	RequestBinding        string `option:"request_binding" oneof:"redirect|post" doc:"How requests go to the provider. By default redirect if the provider has it, else post."`

	WantAssertionsSigned bool   `option:"sp_want_assertions_signed" doc:"Accept only assertions that are signed themselves. By default a signature over the whole response is enough."`
	WantMessageSigned    bool   `option:"sp_want_message_signed" doc:"Accept only responses that are signed as a whole. By default a signature over the assertion is enough."`
	WantEncrypted        bool   `option:"idp_is_assertion_encrypted" doc:"Accept only encrypted assertions. Encrypted ones are accepted anyway if there is a key."`
	MessageSigningOrder  string `option:"idp_message_signing_order" oneof:"sign-then-encrypt|encrypt-then-sign" doc:"Accepted and without effect: an assertion that is signed before it is encrypted works, and so does a response that is signed after that. A response that is signed before its assertion is encrypted (sign-then-encrypt of samlify) is refused: have the provider encrypt first."`
	RelayState           string `option:"sp_relay_state" doc:"Accepted and without effect: RelayState is a token of the host's."`

	ForceAuthn             bool     `option:"force_authn" doc:"Have the provider authenticate everybody anew, and check that it did."`
	IsPassive              bool     `option:"is_passive" doc:"Have the provider ask the end user nothing: who is not signed in there is not signed in here."`
	AuthnContext           []string `option:"authn_context" doc:"Authentication contexts to demand, as URIs, such as https://refeds.org/profile/mfa. A response with another one is refused."`
	AuthnContextComparison string   `option:"authn_context_comparison" default:"exact" oneof:"exact|minimum|better|maximum" doc:"How the provider is to compare authn_context. With another than exact, authn_context_accepted must say what that comes to."`
	AuthnContextAccepted   []string `option:"authn_context_accepted" doc:"Authentication contexts that are accepted in a response. By default those of authn_context."`

	IdentifierKey   string   `option:"identifier_key" doc:"The attribute that identifies the end user, by its full name. By default the NameID does. It must never be given to somebody else."`
	UsernameKey     string   `option:"username_key" doc:"The attribute with the user name. By default the first there is of uid and what the known providers call it."`
	EmailKey        string   `option:"email_key" doc:"The attribute with the e-mail address. By default the first there is of what the known providers call it."`
	GivenNameKey    string   `option:"given_name_key" doc:"The attribute with the given name; default as for email_key."`
	FamilyNameKey   string   `option:"family_name_key" doc:"The attribute with the family name; default as for email_key."`
	NameKey         string   `option:"name_key" doc:"The attribute with the full name; default as for email_key."`
	GroupsKey       string   `option:"groups_key" doc:"The attribute with the groups; default as for email_key."`
	GroupsDelimiter string   `option:"groups_delimiter" doc:"What stands between groups where one value holds several, such as ; or a comma. By default each value is one group."`
	RequestedAttrs  []string `option:"requested_attributes" doc:"Attributes that our metadata asks for, besides those of the options above that are set."`

	ClockSkew   time.Duration `option:"clock_skew" default:"60s" doc:"By how much the provider's clock may differ from ours; at most 5m."`
	ClockDrifts []string      `option:"sp_clock_drifts" doc:"Two numbers of milliseconds; the larger one takes the place of clock_skew."`

	InsecureAllowSHA1 bool `option:"insecure_allow_sha1" doc:"Accept signatures with SHA-1. Who can make collisions can forge them."`
	InsecureAllowCBC  bool `option:"insecure_allow_cbc" doc:"Accept encryption with AES-CBC, in responses that are signed as a whole. AES-CBC alone does not keep anybody from changing what is encrypted."`
	AllowExpiredCerts bool `option:"allow_expired_certificates" doc:"Accept signatures by a key of the metadata although its certificate has expired, as federations do that take certificates for mere containers of keys."`

	upstream.HTTPOptions
}

const (
	minRefresh = time.Minute
	maxRefresh = 7 * 24 * time.Hour
	maxSkew    = 5 * time.Minute
)

// Validate checks what the types of the options cannot say.
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
		problems.Addf("authn_context_accepted", "must say which contexts are accepted when authn_context_comparison is %s: nothing else knows which is stronger", o.AuthnContextComparison)
	}
	if o.ForceAuthn && o.IsPassive {
		problems.Addf("is_passive", "cannot be set with force_authn: one forbids to ask the end user, the other demands it")
	}
	return problems.Err()
}

func (o Options) validateProvider(problems *options.Problems) {
	switch {
	case o.IDPMetadataURL == "" && o.IDPMetadata == "":
		problems.Addf("idp_metadata_url", "is required, unless idp_metadata holds the metadata itself")
	case o.IDPMetadataURL != "" && o.IDPMetadata != "":
		problems.Addf("idp_metadata_url", "is set beside idp_metadata: only one of them can count")
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

// skew is the clock skew, and what is wrong with sp_clock_drifts.
func (o Options) skew() (time.Duration, string) {
	if len(o.ClockDrifts) == 0 {
		return o.ClockSkew, ""
	}
	var skew time.Duration
	for _, text := range o.ClockDrifts {
		ms, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		drift := (time.Duration(ms) * time.Millisecond).Abs()
		if err != nil || drift > maxSkew {
			return 0, "must be two numbers of milliseconds, of at most 300000"
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

// keys reads our keys.
func (o Options) keys() (ownkeys.Keys, error) {
	algorithm, option := o.signatureAlgorithm()
	return ownkeys.Read(ownkeys.Settings{
		Private: o.SPPrivateKey, PrivatePass: o.SPPrivateKeyPass, Enc: o.SPEncPrivateKey, EncPass: o.SPEncPrivateKeyPass,
		Certificate: o.SPCertificate, Algorithm: algorithm, AlgorithmOption: option, MustSign: o.AuthnRequestsSigned, MustDecrypt: o.WantEncrypted,
	})
}

// acceptedContexts is what an AuthnContextClassRef may be; empty for anything.
func (o Options) acceptedContexts() []string {
	if len(o.AuthnContextAccepted) > 0 {
		return o.AuthnContextAccepted
	}
	return o.AuthnContext
}

// insecure are the options that are set and let weak algorithms pass.
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
