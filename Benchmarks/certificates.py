"""Certificates for the servers that are no part of Hedgerow."""

from processes import run


def make_certificates(path):
    """Makes root.pem, and chain.pem with key.pem for both sides of a connection, in a directory."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    run(["openssl", "req", "-x509", *curve, "-subj", "/CN=bench root", "-keyout", path / "root.key",
         "-out", path / "root.pem", "-addext", "basicConstraints=critical,CA:TRUE"])
    run(["openssl", "req", *curve[:5], "-subj", "/CN=localhost", "-keyout", path / "key.pem", "-out",
         path / "request.pem"])
    (path / "names").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    run(["openssl", "x509", "-req", "-in", path / "request.pem", "-CA", path / "root.pem", "-CAkey",
         path / "root.key", "-CAcreateserial", "-days", "2", "-extfile", path / "names", "-out",
         path / "chain.pem"])
