/**
 * Before a command line, as root on Linux: the command dies with the process that started it; with the command, as the
 * first process of its namespace, die all of its children; and what it mounted is gone with its mount namespace.
 */
export const contained = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'],
]
