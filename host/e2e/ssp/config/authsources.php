<?php
// Everybody's password is that of the run.
$password = getenv('SSP_PASSWORD');
$config = [
    'example-userpass' => [
        'exampleauth:UserPass',
        "alice:$password" => [
            'uid' => ['alice'], 'mail' => ['alice@example.org'], 'givenName' => ['Alice'], 'sn' => ['Liddell'],
            'displayName' => ['Alice Liddell'], 'groups' => ['editors', 'admins'],
        ],
        "bob:$password" => [
            'uid' => ['bob'], 'mail' => ['bob@example.org'], 'givenName' => ['Bob'], 'sn' => ['Builder & <Sons>'],
            'displayName' => ['Bob "B" Builder'], 'groups' => ['editors'],
        ],
    ],
];
