# Verifies that a request came through Doorward, and from which user: Python, with PyJWT 2.4 or later.
import sys

import jwt

issuer = "https://sso.example.org"  # PUBLIC_URL, without a slash at the end
origin = "https://wiki.example.org"  # of this application
keys = jwt.PyJWKClient(issuer + "/.well-known/jwks.json")  # caches the keys for five minutes


def verify(assertion):
    """Returns the claims in a value of X-Doorward-Assertion; raises jwt.PyJWTError if it is not valid."""
    if jwt.get_unverified_header(assertion).get("typ") != "doorward-assertion+jwt":
        raise jwt.InvalidTokenError("another kind of token")
    key = keys.get_signing_key_from_jwt(assertion).key
    return jwt.decode(assertion, key, algorithms=["EdDSA", "ES256", "RS256"], issuer=issuer, audience=origin,
                      leeway=5, options={"require": ["exp", "iat", "iss", "aud", "sub"]})


if __name__ == "__main__":
    print(verify(sys.stdin.read())["sub"])
