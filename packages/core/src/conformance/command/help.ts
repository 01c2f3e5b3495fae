export const HELP: string = `locks-conformance ./target.js [flags]

Checks whether a backend of @locks keeps its promises: runs all cases of the conformance kit that apply
to what it declares, and says what each found. The module exports a ConformanceTarget as "target":

  // target.js, or target.ts
  import { myBackend } from './my-backend.js'

  const connect = () => myBackend('localhost:7000')   // each call: a new client of one and the same storage
  export const target = { name: 'mine', capabilities: connect().capabilities, connect }

  $ locks-conformance ./target.js
  $ locks-conformance ./target.js --only fencing --only 'a lapsed owner'
  $ locks-conformance ./target.js --html report.html      # who held when, drawn; one file, for a browser
  $ locks-conformance ./target.js --json | jq '.cases[] | select(.outcome == "failed") | .title'

  --only TEXT        only the cases whose name ("theme: title") contains the text, upper or lower case;
                     may be repeated: cases that contain any of the texts
  --seed N           repeats what an earlier run left to chance. Default: drawn anew, and printed
  --json             the report as one JSON object on stdout, and nothing else there
  --html FILE        writes the report as a page that needs nothing else
  --help

A case that needs what the target doesn't offer, such as a fault that can be made, is left out; the
summary says what to offer so that it is checked. On a terminal progress is a table, elsewhere a line
per case. NO_COLOR and FORCE_COLOR are heeded.

Exit codes: 0 all passed, 1 some failed, 2 the arguments or the module are wrong and nothing was run,
128 + n ended by signal n (130: Ctrl-C), after what was found so far was told.`
