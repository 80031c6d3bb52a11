"""The user's own certificate authority, and certificates of it for this machine's names.

The authority is made once per user. Whoever trusts it trusts it for this machine's loopback names alone: its
certificate says so (name constraints), and browsers, curl and Python heed that.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
from pathlib import Path
from typing import NamedTuple

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lablambda.config import CA_BUNDLE, CA_CERTIFICATE
from lablambda.rules.addresses import HOST_SUFFIXES

_AUTHORITY = "authority.pem"  # with its key, for its owner alone
_AUTHORITY_DAYS, _SERVER_DAYS = 3650, 90
_NAMES = ("localhost", *(f"*.{suffix}" for suffix in HOST_SUFFIXES))
_ADDRESSES = ("127.0.0.1", "::1")


class ServerFiles(NamedTuple):
    """A server's certificate and key."""

    certificate: Path
    key: Path


class Authority:
    """The authority that is kept in `folder`, with CA_CERTIFICATE and CA_BUNDLE beside it for clients; made if there
    is none yet. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / _AUTHORITY).exists():
            _make(folder / _AUTHORITY)
        pem = (folder / _AUTHORITY).read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(pem)
        ours = self._certificate.public_bytes(serialization.Encoding.PEM)
        _write(folder / CA_CERTIFICATE, ours, 0o644)
        _write(folder / CA_BUNDLE, _public().rstrip() + b"\n" + ours, 0o644)

    def issue(self, folder: Path) -> ServerFiles:
        """A new certificate for this machine's loopback names, as files in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name) for name in _NAMES]
        addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
        certificate = (
            _builder("localhost", self._certificate.subject, key, _SERVER_DAYS)
            .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        files = ServerFiles(folder / "server.pem", folder / "server.key")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(files.key, _key_pem(key), 0o600)
        return files


def _public() -> bytes:
    """The authorities that the user's programs trust anyway."""
    return Path(os.environ.get("SSL_CERT_FILE") or certifi.where()).read_bytes()


def _make(path: Path) -> None:
    """An authority in that file, unless somebody else makes one at the same moment: then theirs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"lablambda of {os.environ.get('USER') or os.getuid()} on {os.uname().nodename}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    loopback = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    permitted = [x509.DNSName("localhost"), *map(x509.IPAddress, loopback)]
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name[:64], subject, key, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write(draft, _key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM), 0o600)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _builder(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all; others may be reading."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
    draft.replace(path)
