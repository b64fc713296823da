"""Encrypted connections to a Dask scheduler: what Dask must know of certificates before it can connect."""

from pathlib import Path

from strata.core.errors import StrataError

PREFIX = "DASK_DISTRIBUTED__COMM__"  # of the environment variables that Dask reads
NEEDED = {
    "tls_ca_file": "TLS__CA_FILE",
    "tls_client_cert": "TLS__CLIENT__CERT",
    "tls_client_key": "TLS__CLIENT__KEY",
}


def check_encryption(address: str) -> None:
    """Check that this process can connect to a scheduler's address as Dask's settings demand.

    Raises StrataError if a certificate that `tls://` needs is not set or not there, or if the address is not encrypted
    although `require-encryption` is set. Dask's own errors for these are tracebacks.
    """
    from distributed.security import Security

    security = Security()
    if not address.startswith("tls://"):
        if security.require_encryption:
            raise StrataError(f"STRATA_SCHEDULER: {address!r} is not encrypted, but {PREFIX}REQUIRE_ENCRYPTION is set")
        return
    for attribute, variable in NEEDED.items():
        value = getattr(security, attribute)
        if not value:
            raise StrataError(
                f"STRATA_SCHEDULER: tls:// needs certificates: set {PREFIX}{variable}; see docs/clusters.md"
            )
        if "\n" not in value and not Path(value).is_file():  # Dask also takes a certificate's own text
            raise StrataError(f"{PREFIX}{variable}: there is no file {value}")
