const WHERE = `\
  --backend URL      where the lock lives. Default: $LOCKS_BACKEND, else files in a folder of your
                     home, for all programs of yours on this machine
                       file:///srv/app/locks     processes of one machine
                       redis://cache:6379        @locks/redis, also rediss:, valkey:, valkeys:
                       etcd://etcd:2379          @locks/etcd, also etcds:
                     With adapters that are planned:
                       memcached://cache:11211   @locks/memcached
                       k8s:                      @locks/k8s
                     An adapter is looked for in the current folder, then beside this command
  --namespace TEXT   part of the lock's identity. Default: $LOCKS_NAMESPACE, else none
  --import MODULE    load this first; it may add schemes with registerBackend of @locks/core`

const locks = `locks: run a program while holding a lock.

  locks run NAME -- command args…    take the lock, run the command, give the lock up
  locks status NAME                  who holds it, since when, and how many wait
  locks list [PREFIX]                the locks that are held or waited for
  locks break NAME                   end a hold by force
  locks doctor                       what is risky about the backend, and what to do
  locks COMMAND --help               more about one of them, with examples
  locks --version

  $ locks run nightly-backup -- ./backup.sh      # a second one waits up to 10 s, then exits with 75
  $ locks status nightly-backup

Exit codes of its own: 64 usage, 69 backend unavailable, 75 not acquired, 76 lease lost,
126 and 127 command not executable or not found. Else that of the command.`

const run = `locks run NAME [flags] -- command args…

Takes the lock NAME, runs the command, gives the lock up, and ends as the command ended.

  # one at a time: a second one waits up to 10 s, then exits with 75 and says who holds it
  $ locks run nightly-backup -- ./backup.sh

  # from cron: skip this turn if the last one still runs
  $ locks run report --timeout 0 -- ./report.sh

  # wait as long as it takes; on a server that many machines share
  $ locks run migrate --timeout inf --backend redis://cache:6379 -- npm run migrate

  # many readers or one writer; three at a time
  $ locks run catalogue --shared -- ./read.sh
  $ locks run encoder --permits 3 -- ./encode.sh film.mov

  # a shell line; the command sees LOCKS_NAME, LOCKS_FENCING_TOKEN, LOCKS_NAMESPACE, LOCKS_BACKEND
  $ locks run deploy -- sh -c 'echo "deploy no. $LOCKS_FENCING_TOKEN" >> log'

  --timeout TIME     how long to wait for the lock. Default: 10s. 0: one attempt; inf: no limit
  --ttl TIME         how long the lock outlives a dead or hanging wrapper. Default: 30s; inf: no end
  --shared           beside other shared holders, excluding exclusive ones
  --permits N        one of N holders at a time
  --on-lost WHAT     if the lease can't be renewed, before anybody else can have the lock:
                       kill     SIGKILL the command and all its descendants (the default)
                       term     SIGTERM the command in time, and SIGKILL at the end of its grace:
                                a third of the ttl, at most 10 s
                       ignore   let it go on, with a warning
${WHERE}

TIME is 500ms, 30s, 2m, 1h, inf, or a number of milliseconds.

Signals (INT, TERM, HUP, QUIT, USR1, USR2) are passed on to the command; if one ends it, it ends
this wrapper too, or gives 128 + n. Other exit codes: 64 usage, 69 backend unavailable, 75 not
acquired in time (the command was not started), 76 lease lost, 126 and 127 as in a shell.

What it cannot do: a wrapper that is stopped (SIGSTOP, Ctrl-Z, a frozen container) or killed
(SIGKILL) can neither renew the lease nor end its command. When it was stopped, the ttl ends the
lock under the running command; when it was killed, too, but with the file backend the lock stays
with the command until that ends. Such a command should guard its writes with LOCKS_FENCING_TOKEN.
A hold broken by "locks break" is free at once, before its wrapper can notice and end the command.`

const status = `locks status NAME [--json] [flags]

Shows where the lock is, who holds it and how many wait. Exits with 0 whether it is held or free.

  $ locks status nightly-backup
  lock "nightly-backup" on file /home/ada/.locks: held
    by web-1:4711 backup.sh (exclusive, for 12 s, fencing token 17), 25 s left …

  $ locks status nightly-backup --json | jq .held

  --json             one object on one line: backend, location, namespace, name, held, holders,
                     waiters. Fencing tokens are strings, durations milliseconds, null is "no end"
                     or "unknown"
${WHERE}`

const list = `locks list [PREFIX] [--json] [flags]

Lists the locks that are held or waited for, of one namespace: one name a line, with their holders
on a terminal.

  $ locks list
  $ locks list nightly-
  $ locks list --json | jq -r '.locks[] | select(.waiters > 0) | .name'

  --json             one object on one line: backend, location, namespace, and locks, each as in
                     status --json
${WHERE}`

const breakHelp = `locks break NAME [--yes] [--json] [flags]

Ends all holds of a lock at once, whoever owns them. For a holder that hangs where its ttl won't do.
Its command may still be running: it is ended (or not) by its own "locks run --on-lost" once that
notices, which takes up to a second on one machine and up to a third of its ttl elsewhere.

  $ locks status nightly-backup     # look first
  $ locks break nightly-backup      # asks
  $ locks break nightly-backup --yes

  --yes              don't ask. Needed where there is no terminal
  --json             one object on one line: backend, location, namespace, name, broken
${WHERE}`

const doctor = `locks doctor [--json] [flags]

Looks at the backend's configuration, and says in one line each what is risky, why, and what to do.
Takes a lock named "locks-doctor" for a moment, to see that this works; changes nothing else.

  $ locks doctor --backend redis://cache:6379
  redis cache:6379: 1 risk
    risk  persistence  appendonly is no: a restart forgets all locks, and two can hold …
    ok    probe lock   taken in 0.5 ms, renewed in 0.3 ms, given up in 0.3 ms
    …

  # in a deployment: stop at a risk
  $ locks doctor || exit 1

Exits with 0 if there is no risk, 1 if there is one, 69 if the backend can't be reached. "unknown"
is what could not be seen; it is no risk by itself.

  --json             one object on one line: backend, location, namespace, findings; each with
                     severity (risk, unknown, ok), subject and message
${WHERE}`

export const HELP: Readonly<Record<'locks' | 'run' | 'status' | 'list' | 'break' | 'doctor', string>> = {
  locks,
  run,
  status,
  list,
  break: breakHelp,
  doctor,
}
