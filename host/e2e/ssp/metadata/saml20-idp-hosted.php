<?php
// A file named rollover in SSP_DIR publishes the new key in addition to the old one.
$rollover = file_exists(getenv('SSP_DIR') . '/rollover');
$switched = file_exists(getenv('SSP_DIR') . '/switched');
$bindings = ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'];
$metadata[getenv('SSP_URL') . '/simplesaml/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__',
    'privatekey' => $switched ? 'new.key' : 'old.key',
    'certificate' => $switched ? 'new.crt' : 'old.crt',
    'auth' => 'example-userpass',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'SingleSignOnServiceBinding' => $bindings,
    'SingleLogoutServiceBinding' => $bindings,
    'NameIDFormat' => ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
    'sign.logout' => true,
    'validate.logout' => true,
    'redirect.sign' => true,
] + ($rollover ? ['new_privatekey' => 'new.key', 'new_certificate' => 'new.crt'] : []);
