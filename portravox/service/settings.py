"""How a server is set up: a TOML file < files of secrets < PORTRAVOX_… in the environment < flags.

Flow      cli.serve -> service.settings -> app, worker
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from portravox.engines.registry import ENTRIES
from portravox.errors import FileMissing, SettingOutOfRange
from portravox.labels.aigc import PRODUCER, check_producer
from portravox.labels.signer import Credentials, Signer, open_signer, read_anchors
from portravox.labels.watermark_key import checked_key
from portravox.options import LEAST_LABEL_S, LabelPlace
from portravox.service.consent import MAX_STATEMENT, Consent
from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.urls import parse_url
from portravox.service.label_policy import RECORD_NAME, Labelling, LabelPolicy
from portravox.service.limits import Limits
from portravox.service.storage.location import StorageLocation, parse_location
from portravox.service.tasks.outbox import NoticeFormat, Webhook
from portravox.service.worker.sandbox import SandboxMode
from portravox.synthesis.settings import SpeechSettings
from portravox.system import ENVIRONMENT

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


def default_data_dir() -> Path:
    """Where users' programs keep their data (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "portravox"


VIDEO_LIFE_S = 24 * 3600.0
"""How long the original keeps a task and its video after it ended."""

_SECRETS = (
    "c2pa_key",
    "watermark_key",
    "speech_key",
    "speech_url",
    "metrics_token",
    "webhook_token",
    "webhook_url",
    "database_url",
    "storage_url",
)
"""Settings whose values are never told: they are secret, or hold a secret by mistake."""

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
"""Scheme, host and port, in lower case and without a path (RFC 6454, section 6.2)."""


_UDP_PORTS = re.compile(r"([0-9]{4,5})-([0-9]{4,5})")

_MAX_AGREEMENT = 200
"""Characters; our choice."""


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a text with commas between them."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))


class ServiceSettings(BaseSettings):
    """Checked once, never changed."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT, frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = Field(8000, ge=0, le=65535)
    """0: any that is free."""

    data_dir: Path = Field(default_factory=default_data_dir)
    """Tasks, videos, uploads and keys."""

    database_url: SecretStr | None = None
    """A PostgreSQL that machines share: postgresql://user:password@host/name. Without, tasks and
    keys are kept in `data_dir`, for one machine."""

    storage_url: str | None = None
    """Where videos, uploads and previews lie, if not in `data_dir`: `s3://bucket/prefix`,
    `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`. Credentials stand in the
    environment, by the names of each store's own tools."""

    links: Literal["proxy", "direct"] = "proxy"
    """Who answers links to videos: this server, or the store, with links that it signs."""

    public_url: str | None = None
    """Where clients reach this server, if that is not what their Host header says; without a slash
    at the end."""

    cors_origins: str = ""
    """Origins of web pages that may call the API from a browser, with commas between them:
    https://app.example.com,http://localhost:3000. Nobody else's pages may; these need a key where
    there are keys."""

    no_keys: bool = False
    """Serve everybody who asks, without API keys."""

    insecure: bool = False
    """Allow `no_keys` on an address that others can reach."""

    workers: int = Field(1, ge=0)
    """Videos made at the same time. One fills two cores. 0 only with `database_url`: this process
    answers requests, and others make the videos."""

    max_queued: Count = 100_000
    """Tasks that wait, of all keys together."""

    fetch_allow_nets: str = ""
    """Networks beyond the public internet from which pictures and sounds may be fetched."""

    fetch_ports: str = ""
    """Ports beyond 80, 443, 8080 and 8443 from which they may be: `9000, 8000-8099`."""

    render_memory_mib: int = Field(4096, ge=768)
    """What one child process may map, which is more than it touches: with 512 no video is made,
    768 do for a picture of 1024 px, below 3 GiB for one of 4096 px. Our choice."""

    sandbox: SandboxMode = "auto"
    """How processes that touch strangers' files are isolated: auto, by what the kernel has;
    require, or do not start; off, for debugging."""

    engines: str = "embedded"
    """Engines that tasks may name, with commas between them; the first one draws where a task names
    none. The server does not start where one of them lacks something."""

    queues: str = ""
    """Engines whose tasks the workers of this process take, where machines share a database; those
    of `engines` where nothing is said. A machine needs what these engines need, and no more."""

    part_s: float = Field(30.0, ge=0, le=3600)
    """Where machines share a database, videos of more than twice so many seconds are made in parts
    of about so many, by as many workers as have nothing else to do; 0: as a whole, by one."""

    render_time_s: Positive = 3600.0
    """How long one attempt may take: 180 s of 4096-px video at twenty times real time."""

    task_life_s: Positive = 3 * 3600.0
    """After which a task without a result fails: the original's 3 hours. More for long queues."""

    video_life_s: float = Field(VIDEO_LIFE_S, ge=VIDEO_LIFE_S, le=366 * VIDEO_LIFE_S)
    """How long a task and its video stay after it ended: the original's 24 hours, or longer on a
    server of one's own."""

    drain_s: float = Field(60.0, ge=0)
    """How long a server that is told to stop waits for the videos it is making."""

    requests_per_s: Positive | None = None
    polls_per_s: Positive | None = None
    max_queued_per_key: Count | None = None
    max_running_per_key: Count | None = None
    video_s_per_day: Positive | None = None
    spoken_characters_per_day: Count | None = None
    live_sessions_per_key: Count | None = None
    live_s_per_day: Positive | None = None
    """Of each key that has no limit of its own; without limit where nothing is said. Of live
    sessions, at a time, half of what the others leave where there are several keys."""

    live_sessions: int = Field(2, ge=0)
    """Live sessions at a time, of all keys; 0: none are held here. One that speaks takes .7 to 1
    core, one that is idle half of that (`docs/live.md`)."""

    live_warm: bool = False
    """Have a process ready for a live session from the server's start on, 300 MB. Without, from the
    first session on, or the first look at `GET /api/v1/live`."""

    live_idle_s: Positive = 300.0
    """After so long without a message a live session ends."""

    live_session_s: Positive = 4 * 3600.0
    """How long one may last."""

    live_max_side: int = Field(1024, ge=64, le=4096)
    """The longer side of a live picture, px; larger ones are scaled down."""

    live_webrtc: bool = True
    """Hold live sessions over WebRTC, too, where the extra `live` is installed: each opens a UDP
    port of this machine."""

    live_udp_ports: str = ""
    """UDP ports of these: `50000-50099`, one for each address and session. Without, any that is
    free."""

    live_udp_address: str | None = None
    """Where browsers reach these ports, if that is none of this machine's addresses: its public
    one. Without, the addresses that `host` names: one, or all that the machine has."""

    upload_mib: Count = 100
    """Of one temporary upload: the original's."""

    picture_formats: Literal["original", "all"] = "original"
    """Pictures that are taken: JPEG, PNG, BMP and WebP as by the original, or all that `portravox
    animate` takes: GIF, AVIF and, with the extra heif, HEIC too."""

    voice_formats: Literal["original", "all"] = "original"
    """Recordings that are taken: WAV and MP3 as by the original, or all that `portravox animate`
    takes: M4A, AAC, Ogg, WebM, FLAC, CAF, AMR and AIFF too."""

    max_voice_s: float = Field(180.0, ge=180, le=3600)
    """How long a recording may be: the original's three minutes, or up to an hour. Its file may
    have 15 MiB for each 180 s. A minute takes 8 MB of memory (`memory_mib`), 30 MB of 48 kHz in
    stereo, and `render_time_s` has to be enough for it."""

    speech: Literal["off", "espeak-ng", "piper", "openai", "dashscope"] = "off"
    """Who speaks the texts of tasks that bring no recording: nobody, a program on this machine,
    any server of OpenAI's interface (`POST …/v1/audio/speech`: Kokoro-FastAPI, speaches, clouds),
    or DashScope's Qwen-TTS."""

    speech_url: str | None = None
    """Where such a server is: `http://127.0.0.1:8880`. May lie inside."""

    speech_key: SecretStr | None = None
    """What it knows us by."""

    speech_model: str | None = None
    """Without: `tts-1`, and DashScope's `qwen3-tts-flash`."""

    speech_voice: str | None = None
    """The voice of texts that name none. Without: `alloy`, DashScope's `Cherry`, the usual one of
    a language where programs speak."""

    speech_voices: str = ""
    """Further voices that tasks may name, with commas between them. Without: any that espeak-ng
    has, and of the others the default alone."""

    speech_max_characters: Count | None = None
    """Of a text; without, what the provider takes: 4096, DashScope 600."""

    speech_time_s: Positive = 60.0
    """How long speaking one text may take, all tries together."""

    speech_models_dir: Path | None = None
    """Of piper: the folder with NAME.onnx and NAME.onnx.json of each voice."""

    producer: str = PRODUCER
    """Who makes the videos, named in the AIGC label of each: a name, or the code that authorities
    gave."""

    c2pa_certificates: Path | None = None
    """PEM: the certificate that signs where each video comes from, then those between it and the
    root. With it every video carries a C2PA manifest, or the task fails. Needs the extra `c2pa`."""

    c2pa_key_file: Path | None = None
    """PEM, without a password: the key of `c2pa_certificates`."""

    c2pa_key: SecretStr | None = None
    """The PEM itself, instead of a file."""

    c2pa_command: str | None = None
    """A program that signs, instead of a key: it is given what is to be signed on its standard
    input and answers with the signature (`openssl pkeyutl`, a token's or a cloud's client)."""

    c2pa_trust: Path | None = None
    """PEM: authorities whose word on signers `/api/v1/inspect` takes."""

    watermark_key: SecretStr | None = None
    """By which the mark in the picture of every video is made and found: 16 to 200 characters.
    Without one, a public key, by which everybody can find it. `off`: no mark."""

    visible_label: LabelPolicy = "asked"
    """Words in the picture that say that a machine made it: where a task asks for them, or in every
    video, in Chinese or English where a task does not say."""

    visible_label_place: LabelPlace | None = None
    """The corner that has those words, whatever a task says: bottom-right, bottom-left, top-right
    or top-left."""

    visible_label_s: Annotated[int, Field(ge=LEAST_LABEL_S)] | None = None
    """Where every video has those words: for how many seconds from its beginning, 2 at least.
    Without: in the whole video."""

    unlabelled_keys: dict[str, str] = Field(default_factory=dict)
    """Ids of keys whose videos may do without the words that `visible_label` puts into others',
    each with the agreement that was made: `{"3" = "Studio X, contract of 2026-10-01"}`. What they
    get is written down in `unlabelled.jsonl` in the data folder."""

    consent_statement: str | None = None
    """What clients have to agree to with each task, up to 2000 characters; without, nothing is
    asked. Who agreed to what is written down in `consent.jsonl` in the data folder."""

    webhook_url: str | None = None
    """The operator's own, told of every task's end. May lie inside."""

    webhook_format: NoticeFormat = NoticeFormat.CLOUDEVENTS
    """Of the operator's own: as the original's event bus writes, or as Standard Webhooks."""

    webhook_token: SecretStr | None = None
    """What the operator's own receiver knows us by: x-eventbridge-signature-token."""

    webhook_allow_nets: str = ""
    """Networks beyond the public internet to which clients may have notices sent."""

    webhook_ports: str = ""
    """Ports beyond 80, 443, 8080 and 8443 to which clients may have notices sent."""

    metrics_token: SecretStr | None = None
    """Lets its bearer read /metrics; without it only this machine may."""

    traces_url: str | None = None
    """A collector of OpenTelemetry's, which is told where the time of requests and tasks went:
    `http://collector:4318/v1/traces`. May lie inside. Without, nothing is."""

    region: str = "cn-beijing"
    caller_uid: str = "0"
    caller_parent_id: str = "0"
    """What rows of the task list say."""

    log_format: Literal["text", "json"] = "text"
    """Of the lines on stderr."""

    @field_validator("data_dir")
    @classmethod
    def _as_absolute(cls, folder: Path) -> Path:
        """Worker processes are somewhere else."""
        return folder.resolve()

    @field_validator("fetch_allow_nets", "webhook_allow_nets")
    @classmethod
    def _as_networks(cls, networks: str) -> str:
        try:
            AddressPolicy.allowing(networks)
        except SettingOutOfRange as error:
            raise ValueError(f"wanted {error.wanted}") from error
        return networks

    @field_validator("storage_url")
    @classmethod
    def _as_location(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                parse_location(url)
            except SettingOutOfRange as error:
                raise ValueError(f"wanted {error.wanted}") from error
        return url

    @field_validator("fetch_ports", "webhook_ports")
    @classmethod
    def _as_ports(cls, ports: str) -> str:
        try:
            AddressPolicy.allowing("", ports=ports)
        except SettingOutOfRange as error:
            raise ValueError(f"wanted {error.wanted}") from error
        return ports

    @field_validator("live_udp_ports")
    @classmethod
    def _as_udp_ports(cls, ports: str) -> str:
        found = _UDP_PORTS.fullmatch(ports)
        if ports and (not found or not 1024 <= int(found[1]) <= int(found[2]) <= 65535):
            raise ValueError("wanted two ports from 1024 to 65535, such as 50000-50099")
        return ports

    @field_validator("live_udp_address")
    @classmethod
    def _as_machine(cls, address: str | None) -> str | None:
        try:
            return None if address is None else str(ipaddress.ip_address(address))
        except ValueError as error:
            raise ValueError("wanted an IP address, such as 203.0.113.7") from error

    @field_validator("producer")
    @classmethod
    def _as_producer(cls, name: str) -> str:
        try:
            return check_producer(name)
        except SettingOutOfRange as error:
            raise ValueError(f"wanted {error.wanted}") from error

    @field_validator("consent_statement")
    @classmethod
    def _as_statement(cls, statement: str | None) -> str | None:
        said = None if statement is None else statement.strip()
        if said is not None and not (
            1 <= len(said) <= MAX_STATEMENT and said.replace("\n", "").isprintable()
        ):
            raise ValueError(f"wanted 1 to {MAX_STATEMENT} printable characters")
        return said

    @field_validator("watermark_key")
    @classmethod
    def _as_watermark_key(cls, key: SecretStr | None) -> SecretStr | None:
        try:
            checked_key("" if key is None else key.get_secret_value())
        except SettingOutOfRange as error:
            raise ValueError(f"wanted {error.wanted}") from error
        return key

    @field_validator("unlabelled_keys")
    @classmethod
    def _as_agreements(cls, agreements: dict[str, str]) -> dict[str, str]:
        for key_id, agreement in agreements.items():
            if not key_id.isdecimal() or not agreement.strip() or len(agreement) > _MAX_AGREEMENT:
                raise ValueError(
                    f"wanted a key's number and 1 to {_MAX_AGREEMENT} characters on it"
                )
        return agreements

    @field_validator("cors_origins")
    @classmethod
    def _as_origins(cls, origins: str) -> str:
        for origin in _listed(origins):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"wanted https://host or http://host:port, not {origin!r}")
        return ",".join(_listed(origins))

    @field_validator("webhook_url", "speech_url", "traces_url")
    @classmethod
    def _as_address(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                parse_url(url)
            except InputDownloadFailed as error:
                raise ValueError(f"wanted http://… or https://… ({error.reason})") from error
        return url

    @field_validator("webhook_token", "speech_key")
    @classmethod
    def _as_header(cls, token: SecretStr | None) -> SecretStr | None:
        said = "" if token is None else token.get_secret_value()
        if not said.isascii() or not said.isprintable():
            raise ValueError("wanted what a header can carry")
        return token

    @field_validator("public_url")
    @classmethod
    def _as_base(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("wanted http://… or https://…")
        return url.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The first that says something counts; no .env is read, for it may be anybody's."""
        del dotenv_settings
        return (
            init_settings,
            env_settings,
            file_secret_settings,
            TomlConfigSettingsSource(settings_cls),
        )

    @field_validator("engines", "queues")
    @classmethod
    def _as_engines(cls, names: str, field: ValidationInfo) -> str:
        unknown = [name for name in _listed(names) if name not in ENTRIES]
        if unknown or (field.field_name == "engines" and not _listed(names)):
            raise ValueError(f"wanted some of {', '.join(ENTRIES)}")
        return names

    @property
    def offered_engines(self) -> tuple[str, ...]:
        """By name, the default first."""
        return _listed(self.engines)

    @property
    def engines_here(self) -> tuple[str, ...]:
        """Those that the workers of this process draw with, by name."""
        if self.database_url is None:
            return self.offered_engines
        return _listed(self.queues) or self.offered_engines

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Of web pages that may call the API, as a browser's Origin header writes them."""
        return _listed(self.cors_origins)

    @cached_property
    def limits(self) -> Limits:
        """Of keys that have none of their own."""
        return Limits(
            requests_per_s=self.requests_per_s,
            polls_per_s=self.polls_per_s,
            max_pending=self.max_queued_per_key,
            max_running=self.max_running_per_key,
            video_s_per_day=self.video_s_per_day,
            spoken_characters_per_day=self.spoken_characters_per_day,
            live_sessions=self.live_sessions_per_key,
            live_s_per_day=self.live_s_per_day,
        )

    @cached_property
    def speaks(self) -> SpeechSettings | None:
        """Who speaks texts; None where nobody does. Raises SettingOutOfRange."""
        if self.speech == "off":
            return None
        key = self.speech_key
        return SpeechSettings(
            provider=self.speech,
            url=self.speech_url,
            key=None if key is None else key.get_secret_value(),
            model=self.speech_model,
            voice=self.speech_voice,
            voices=_listed(self.speech_voices),
            max_characters=self.speech_max_characters,
            time_s=self.speech_time_s,
            models_dir=self.speech_models_dir,
        )

    @property
    def watermark_key_used(self) -> str:
        """The operator's, the public one, or `off`."""
        return checked_key(
            "" if self.watermark_key is None else self.watermark_key.get_secret_value()
        )

    @cached_property
    def signer(self) -> Signer | None:
        """Who signs videos; None where nobody does. Raises SettingOutOfRange,
        CredentialsUnusable."""
        key = self.c2pa_key
        if self.c2pa_certificates is None:
            named = {"c2pa_key_file": self.c2pa_key_file, "c2pa_command": self.c2pa_command}
            if key is not None or any(named.values()):
                raise SettingOutOfRange(
                    "c2pa_certificates", None, "the certificates of the key that is named"
                )
            return None
        return open_signer(
            Credentials(
                certificates=self.c2pa_certificates,
                key_file=self.c2pa_key_file,
                key=None if key is None else key.get_secret_value(),
                command=self.c2pa_command,
            )
        )

    @cached_property
    def anchors_pem(self) -> str:
        """Authorities whose word on signers is taken. Raises CredentialsUnusable."""
        return "" if self.c2pa_trust is None else read_anchors(self.c2pa_trust)

    @cached_property
    def labelling(self) -> Labelling:
        """Which videos carry a visible label."""
        return Labelling(
            policy=self.visible_label,
            place=self.visible_label_place,
            lasts_s=self.visible_label_s,
            agreements=self.unlabelled_keys,
            record=self.data_dir / RECORD_NAME,
        )

    @cached_property
    def consent(self) -> Consent | None:
        """What clients have to agree to; None where nothing is asked."""
        if self.consent_statement is None:
            return None
        return Consent(statement=self.consent_statement, folder=self.data_dir)

    @property
    def storage(self) -> StorageLocation | None:
        """Where files lie; None where in the data folder."""
        return None if self.storage_url is None else parse_location(self.storage_url)

    @property
    def webhook(self) -> Webhook | None:
        """Where the operator wants to be told of every task's end."""
        if self.webhook_url is None:
            return None
        return Webhook(url=self.webhook_url, format=self.webhook_format, by_operator=True)

    @property
    def signing_keys_file(self) -> Path:
        """What links, uploads and notices are signed with."""
        return self.data_dir / "signing-keys.txt"

    @property
    def keys_file(self) -> Path:
        """Shared by the server and the commands that change it."""
        return self.data_dir / "keys.json"

    @property
    def udp_ports(self) -> range | None:
        """Of WebRTC; None: any that is free."""
        if not self.live_udp_ports:
            return None
        first, _, last = self.live_udp_ports.partition("-")
        return range(int(first), int(last) + 1)

    @property
    def udp_address(self) -> str:
        """Of this machine, at which WebRTC is reached; empty: all that it has."""
        if self.host == "localhost":
            return "127.0.0.1"
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return ""
        return "" if address.is_unspecified else str(address)

    @property
    def live_seconds_file(self) -> Path:
        """How long each key held live sessions in the last day."""
        return self.data_dir / "live-seconds.json"

    @property
    def work_dir(self) -> Path:
        """Where files lie while they are worked on; emptied when the server starts."""
        return self.data_dir / "work"

    @property
    def processes_dir(self) -> Path:
        """Where each worker process has its own folder; emptied when the server starts. On the file
        system of `work_dir`."""
        return self.data_dir / "processes"

    @property
    def logins_dir(self) -> Path:
        """Tokens of one-time links to the studio, shared like the keys."""
        return self.data_dir / "logins"

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this machine from within, or is the public one."""
        name = _host_name(f"//{host}")
        return name is not None and (
            is_loopback(name)
            or name.endswith(".localhost")
            or (self.public_url is not None and name == _host_name(self.public_url))
        )

    def require_safe(self) -> None:
        """Raise SettingOutOfRange where strangers could use the server without a key, or where
        nobody would make videos; CredentialsUnusable where they could not be signed as wanted."""
        _ = self.speaks, self.signer, self.anchors_pem
        if self.workers == 0 and self.database_url is None:
            raise SettingOutOfRange("workers", 0, "1 or more, or a database_url that workers share")
        if self.queues and self.database_url is None:
            raise SettingOutOfRange(
                "queues", self.queues, "nothing, or a database_url that workers share"
            )
        if self.no_keys and not self.insecure and not is_loopback(self.host):
            raise SettingOutOfRange(
                "host", self.host, "127.0.0.1 with --no-keys, or --insecure if you mean it"
            )


def read_settings(
    flags: Mapping[str, Any] | None = None, *, config: Path | None = None
) -> ServiceSettings:
    """Gather the settings.

    flags    what the command line said; None is nothing said
    config   a TOML file; by default the one that PORTRAVOX_CONFIG names, if it does

    Secrets may lie in files called like their variables (portravox_metrics_token) in the folder
    that PORTRAVOX_SECRETS_DIR names. Raises SettingOutOfRange and FileMissing.
    """
    named = os.environ.get(f"{ENVIRONMENT}CONFIG")
    file = config or (Path(named) if named else None)
    if file is not None and not file.is_file():
        raise FileMissing(file)
    folder = os.environ.get(f"{ENVIRONMENT}SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        raise FileMissing(folder, "no such folder")

    class Chosen(ServiceSettings):
        model_config = SettingsConfigDict(toml_file=file, secrets_dir=folder or None)

    said = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Chosen(**said)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        # Never the value of what may be a secret.
        value = "…" if name in _SECRETS else first["input"]
        raise SettingOutOfRange(name, value, first["msg"].lower()) from error
    except ValueError as error:  # what tomllib raises for a file that is no TOML
        raise SettingOutOfRange("config", str(file), f"a TOML file ({error})") from error


def _host_name(url: str) -> str | None:
    """In lower case; None where there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:  # half an IPv6 address
        return None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches or has an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
