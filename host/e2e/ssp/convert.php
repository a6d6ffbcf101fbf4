<?php
// Converts metadata of a service provider, from the standard input, into what
// SimpleSAMLphp keeps of one, as JSON.
require '/usr/share/simplesamlphp/lib/_autoload.php';
foreach (SimpleSAML\Metadata\SAMLParser::parseDescriptorsString(file_get_contents('php://stdin')) as $id => $entity) {
    print json_encode([$id => $entity->getMetadata20SP()]);
}
