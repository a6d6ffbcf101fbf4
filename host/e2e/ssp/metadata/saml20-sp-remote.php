<?php
// The service providers are those of sps.json in SSP_DIR, read for each request.
foreach (json_decode(file_get_contents(getenv('SSP_DIR') . '/sps.json'), true) as $id => $sp) {
    $format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
    $metadata[$id] = $sp + [
        'NameIDFormat' => $format,
        'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'identifyingAttribute' => 'uid', 'Format' => $format]],
    ];
}
