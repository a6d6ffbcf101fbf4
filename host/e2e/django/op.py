"""An OpenID provider for the end-to-end tests: Debian's django-oauth-toolkit, by itself on
the loopback interface. It prints "ready ISSUER", and ends when its input does.

DJANGO_OP_CLIENT_SECRET and DJANGO_OP_REDIRECT_URI are those of its only client, doorward.
A line "name FIRST" of the input gives alice another first name, "revoke" takes her tokens
away; each is answered with "done" and its first word.
"""

import os
import sys
import tempfile
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, as loopback is

import django
from django.conf import settings
from jwcrypto import jwk

LOGIN = """<form method="post">{% csrf_token %}<input name="username"><input type="password" name="password"></form>"""

work = tempfile.TemporaryDirectory()


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


def configure(issuer):
    settings.configure(
        SECRET_KEY=os.urandom(32).hex(),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="urls",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick, and of nobody
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(work.name, "op.db")}},
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN})],
                    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"],
                },
            }
        ],
        LOGIN_URL="/login/",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RSA_PRIVATE_KEY": jwk.JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None).decode(),
            "OAUTH2_VALIDATOR_CLASS": "people.Validator",
            "SCOPES": {"openid": "OpenID", "profile": "Profile", "email": "E-mail"},
            "PKCE_REQUIRED": True,
        },
    )


def prepare():
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    alice = User.objects.create_user("alice", email="alice@example.com", password="any", first_name="Alice", last_name="of Django")
    Application.objects.create(
        name="doorward",
        client_id="doorward",
        client_secret=os.environ["DJANGO_OP_CLIENT_SECRET"],
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=os.environ["DJANGO_OP_REDIRECT_URI"],
        skip_authorization=True,
        algorithm=Application.RS256_ALGORITHM,
        user=alice,
    )


def obey(line):
    from django.contrib.auth.models import User
    from oauth2_provider.models import AccessToken, RefreshToken

    word, _, rest = line.strip().partition(" ")
    if word == "name":
        User.objects.filter(username="alice").update(first_name=rest)
    elif word == "revoke":
        RefreshToken.objects.all().delete()
        AccessToken.objects.all().delete()
    print("done", word, flush=True)


def main():
    server = make_server("127.0.0.1", 0, None, handler_class=Quiet)
    issuer = f"http://127.0.0.1:{server.server_port}/o"
    configure(issuer)
    django.setup()
    prepare()
    from django.core.wsgi import get_wsgi_application

    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", issuer, flush=True)
    for line in sys.stdin:
        obey(line)
    server.shutdown()


main()
