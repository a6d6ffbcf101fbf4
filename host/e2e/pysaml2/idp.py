"""pysaml2 as an identity provider for the end-to-end tests.

It signs alice in without asking, refuses requests that are not signed, and takes the
service providers from sps.json in PYSAML2_DIR, which is read for each message: by
entity ID their metadata and how to answer them (sign_response, sign_assertion,
encrypt_assertion, self_contained). It prints "ready URL", and ends when its input does.
"""
import copy
import functools
import html
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import saml2.entity
import saml2.sigver
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NAME_FORMAT_URI
from saml2.server import Server
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

DIR = os.environ["PYSAML2_DIR"]

# This version has triple DES built in, which nobody should accept. AES-GCM is a choice
# of a deployment that cannot be configured.
saml2.entity.pre_encryption_part = functools.partial(
    saml2.sigver.pre_encryption_part, msg_enc="http://www.w3.org/2009/xmlenc11#aes256-gcm")
encrypt = saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion
saml2.sigver.CryptoBackendXmlSec1.encrypt_assertion = (
    lambda self, statement, enc_key, template, key_type="", node_xpath=None, node_id=None:
    encrypt(self, statement, enc_key, template, "aes-256", node_xpath, node_id))


class Refused(Exception):
    pass


class Provider:
    def __init__(self, url):
        self.url = url
        self.known = {}
        self.sessions = {}  # by service provider: name_id, session index
        config = {
            "entityid": url + "/metadata",
            "key_file": DIR + "/idp.key",
            "cert_file": DIR + "/idp.crt",
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "metadata": {"inline": []},
            "service": {"idp": {
                "signing_algorithm": SIG_RSA_SHA256,
                "digest_algorithm": DIGEST_SHA256,
                "endpoints": {
                    "single_sign_on_service": [(url + "/sso", BINDING_HTTP_REDIRECT), (url + "/sso", BINDING_HTTP_POST)],
                    "single_logout_service": [(url + "/slo", BINDING_HTTP_REDIRECT), (url + "/slo", BINDING_HTTP_POST)],
                },
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None, "name_form": NAME_FORMAT_URI}},
            }},
        }
        self.idp = Server(config=IdPConfig().load(copy.deepcopy(config)))
        # Only said here, and checked in read: this version looks for the signature of a
        # query in the message, where it is not.
        config["service"]["idp"]["want_authn_requests_signed"] = True
        self.metadata = str(entity_descriptor(IdPConfig().load(config)))

    def learn(self):
        """Reads the service providers that are new."""
        with open(DIR + "/sps.json", encoding="utf-8") as file:
            known = json.load(file)
        for name, sp in known.items():
            if name not in self.known:
                self.idp.metadata.load("inline", sp["metadata"])
        self.known = known

    def read(self, parse, message, binding):
        """Reads a message that must be signed, by either binding."""
        parsed = parse(message.get("SAMLRequest") or message.get("SAMLResponse"), binding)
        if not parsed:
            raise Refused("a message that cannot be read")
        read = getattr(parsed, "message", None) or parsed.response
        entity = read.issuer.text
        if binding == BINDING_HTTP_POST and not read.signature:
            raise Refused("a message that is not signed")
        if binding == BINDING_HTTP_REDIRECT:
            if "Signature" not in message:
                raise Refused("a query that is not signed")
            certificates = self.idp.metadata.certs(entity, "any", "signing")
            wanted = {k: message[k] for k in ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature") if k in message}
            if not any(verify_redirect_signature(wanted, self.idp.sec.sec_backend, c) for _, c in pairs(certificates)):
                raise Refused("a query whose signature does not hold")
        return read

    def sign_on(self, message, binding):
        request = self.read(self.idp.parse_authn_request, message, binding)
        entity = request.issuer.text
        settings = self.known[entity]
        answer = self.idp.response_args(request, [BINDING_HTTP_POST])
        response = self.idp.create_authn_response(
            {"uid": ["alice"], "mail": ["alice@example.org"], "givenName": ["Alice"], "sn": ["Liddell & <Co>"], "displayName": ["Alice Liddell"]},
            userid="alice", authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": self.url},
            sign_response=settings["sign_response"], sign_assertion=settings["sign_assertion"],
            encrypt_assertion=settings["encrypt_assertion"], encrypt_assertion_self_contained=settings["self_contained"],
            **{name: answer[name] for name in ("in_response_to", "destination", "sp_entity_id", "name_id_policy")})
        self.sessions[entity] = self.idp.ident.find_nameid("alice", sp_name_qualifier=entity)[0]
        return self.send(BINDING_HTTP_POST, response, answer["destination"], message.get("RelayState", ""), True)

    def single_logout(self, message, binding):
        if "SAMLResponse" in message:
            response = self.read(self.idp.parse_logout_request_response, message, binding)
            return 200, {}, "signed out: " + html.escape(response.status.status_code.value)
        request = self.read(self.idp.parse_logout_request, message, binding)
        entity = request.issuer.text
        if request.name_id.text != self.sessions[entity].text:
            raise Refused("a request to sign out somebody else")
        response = self.idp.create_logout_response(request, [binding], sign=binding == BINDING_HTTP_POST)
        where = self.idp.response_args(request, [binding])["destination"]
        return self.send(binding, response, where, message.get("RelayState", ""), True)

    def begin_logout(self, entity, binding):
        service = self.idp.metadata.single_logout_service(entity, binding, "spsso")[0]["location"]
        _, request = self.idp.create_logout_request(service, entity, name_id=self.sessions[entity], sign=binding == BINDING_HTTP_POST)
        return self.send(binding, request, service, "the state of pysaml2", False)

    def send(self, binding, message, where, relay_state, response):
        info = self.idp.apply_binding(binding, str(message), where, relay_state, response=response, sign=binding == BINDING_HTTP_REDIRECT)
        if binding == BINDING_HTTP_REDIRECT:
            return 303, dict(info["headers"]), ""
        return 200, {"Content-Type": "text/html; charset=utf-8"}, info["data"]


def pairs(certificates):
    """The certificates of an entity are pairs with a name in newer versions."""
    return [c if isinstance(c, tuple) else (None, c) for c in certificates]


class Handler(BaseHTTPRequestHandler):
    lock = threading.Lock()
    bindings = {"GET": BINDING_HTTP_REDIRECT, "POST": BINDING_HTTP_POST}

    def answer(self):
        url = urlsplit(self.path)
        message = dict(parse_qsl(url.query))
        if self.command == "POST":
            message = dict(parse_qsl(self.rfile.read(min(int(self.headers["Content-Length"]), 1 << 20)).decode()))
        binding = self.bindings[self.command]
        try:
            with self.lock:
                self.provider.learn()
                if url.path == "/metadata":
                    status, headers, body = 200, {"Content-Type": "application/samlmetadata+xml"}, self.provider.metadata
                elif url.path == "/sso":
                    status, headers, body = self.provider.sign_on(message, binding)
                elif url.path == "/slo":
                    status, headers, body = self.provider.single_logout(message, binding)
                elif url.path == "/begin-logout":
                    status, headers, body = self.provider.begin_logout(message["sp"], self.bindings[message["by"]])
                else:
                    status, headers, body = 404, {}, ""
        except Exception as problem:  # told to the test
            print("refused:", repr(problem), flush=True)
            status, headers, body = 400, {}, "refused: " + html.escape(repr(problem))
        content = body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = "http://127.0.0.1:%d" % server.server_address[1]
    Handler.provider = Provider(url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", url, flush=True)
    sys.stdin.read()


main()
