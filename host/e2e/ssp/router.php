<?php
// For php -S: /simplesaml/X is www/X of the package, with what follows the
// script as PATH_INFO.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$root = '/usr/share/simplesamlphp/www';
if (strpos($path, '/simplesaml/') !== 0 || strpos($path, '..') !== false) {
    http_response_code(404);
    return;
}
$file = substr($path, strlen('/simplesaml'));
if (preg_match('#^(.*?\.php)(/.*)?$#', $file, $parts) && is_file($root . $parts[1])) {
    $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/simplesaml' . $parts[1];
    $_SERVER['SCRIPT_FILENAME'] = $root . $parts[1];
    unset($_SERVER['PATH_INFO']);
    if (isset($parts[2])) {
        $_SERVER['PATH_INFO'] = $parts[2];
        $_SERVER['PHP_SELF'] .= $parts[2];
    }
    chdir(dirname($root . $parts[1]));
    require $root . $parts[1];
    return;
}
if (!is_file($root . $file)) {
    http_response_code(404);
    return;
}
$types = ['css' => 'text/css', 'js' => 'text/javascript', 'png' => 'image/png', 'ico' => 'image/x-icon', 'svg' => 'image/svg+xml'];
header('Content-Type: ' . ($types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'application/octet-stream'));
readfile($root . $file);
