"""A certificate authority for one test run, by the openssl command: it signs what a test asks for."""

import dataclasses
import pathlib
import shutil
import ssl
import subprocess

# `openssl ca`, since of all its commands only this one lets certificates be expired in every version.
CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = it
[it]
dir = {folder}
database = {folder}/database
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 30
policy = any
private_key = {folder}/ca.key
certificate = {folder}/ca.pem
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""

EXTENSIONS = """
[it]
basicConstraints = CA:false
keyUsage = digitalSignature
extendedKeyUsage = {usage}
{names}
"""

PAST = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]


@dataclasses.dataclass
class Certificate:
    chain: pathlib.Path
    key: pathlib.Path
    both: pathlib.Path  # one file, as --client-cert wants it

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


class Authority:
    """`ca` is what --cert takes."""

    def __init__(self, folder):
        if not shutil.which("openssl"):
            import pytest  # here, since benches have none
            pytest.skip("no openssl command")
        self.folder = folder
        self.ca = folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "database").touch()
        (folder / "config").write_text(CONFIG.format(folder=folder))
        self._request("ca", "tests' authority", "-x509", "-days", "30", "-extensions", "authority", "-out", self.ca)

    def server(self, *names, expired=False):
        """A certificate for these host names and addresses."""
        kinds = ", ".join(("IP:" if name.replace(".", "").isdigit() else "DNS:") + name for name in names)
        extensions = EXTENSIONS.format(usage="serverAuth", names=f"subjectAltName = {kinds}")
        return self._sign(f"{names[0]}{'-expired' * expired}", names[0], extensions, PAST if expired else [])

    def client(self, name):
        return self._sign(f"client-{name}", name, EXTENSIONS.format(usage="clientAuth", names=""), [])

    def _sign(self, stem, name, extensions, dates):
        made = Certificate(*(self.folder / f"{stem}.{end}" for end in ("pem", "key", "both")))
        request, wanted = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        wanted.write_text(extensions)
        self._request(stem, name, "-out", request)
        self._openssl("ca", "-batch", "-notext", "-in", request, "-out", made.chain, "-extfile", wanted,
                      "-extensions", "it", *dates)
        made.both.write_bytes(made.chain.read_bytes() + made.key.read_bytes())
        return made

    def _request(self, stem, name, *more):
        key = self.folder / f"{stem}.key"
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", key, *more)

    def _openssl(self, command, *args):
        done = subprocess.run(["openssl", command, "-config", self.folder / "config", *args], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"openssl {command}: {done.stderr}"
