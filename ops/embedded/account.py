"""Whom Postgres runs as. It refuses to be root, so root hands it to an unprivileged account."""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """A user of this machine; `command` wraps a command line so that it runs as that user."""

    uid: int
    gid: int

    def command(self, arguments: list[str]) -> list[str]:
        """`arguments`, started as this account.

        The account keeps one right of root, passing through closed folders, so that a checkout under
        /root works without opening any folder to others. `no_setuid_fixup` lets access(2) see that right.
        """
        if self.uid == os.geteuid():
            return arguments
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise PermissionError(
                "O Postgres não roda como root: use um usuário comum ou instale util-linux (setpriv)"
            )
        return [
            setpriv,
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=-all,+dac_override",
            "--ambient-caps=-all,+dac_override",
            "--securebits=+no_setuid_fixup",
            *arguments,
        ]

    def own(self, path: Path) -> None:
        """Gives `path` to this account, closed to everybody else."""
        path.chmod(0o700)
        os.chown(path, self.uid, self.gid)


def server_account(data: Path) -> Account:
    """The caller; for root, whoever owns `data` already, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (found := data.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)
