"""Certificates for a Dask cluster: an authority, and a certificate that it signed, as files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROLES = ("SCHEDULER", "WORKER", "CLIENT")


def certificates(folder: Path) -> dict[str, str]:
    """Write an authority's certificate, and one certificate and key that it signed, into `folder`.

    Return the variables by which Dask finds them, for every role, and by which it refuses plain connections.
    """
    folder.mkdir()
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _signed(_name("Strata's tests"), authority, _name("Strata's tests"), authority, is_authority=True)
    key = ec.generate_private_key(ec.SECP256R1())
    own = _signed(_name("cluster"), key, root.subject, authority, is_authority=False)
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    prefix = "DASK_DISTRIBUTED__COMM__"
    files = {
        f"{prefix}TLS__{role}__{kind}": str(folder / f"{kind.lower()}.pem")
        for role in ROLES
        for kind in ("CERT", "KEY")
    }
    return {f"{prefix}TLS__CA_FILE": str(folder / "ca.pem"), f"{prefix}REQUIRE_ENCRYPTION": "True", **files}


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(subject, key, issuer, issuer_key, is_authority: bool) -> x509.Certificate:
    """Return a certificate that Python 3.13, too, accepts: it reads the rules of X.509 strictly."""
    now = datetime.now(UTC)
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    usage |= {"digital_signature": not is_authority, "key_cert_sign": is_authority}
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(of_issuer, critical=False)
        .add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
