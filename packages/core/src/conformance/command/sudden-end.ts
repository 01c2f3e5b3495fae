/** Node.js' own code for a top-level await that nothing settles. */
const UNSETTLED = 13

/** What is going on, and the exit code if the process ended now. */
export interface Activity {
  what: string
  code: number
}

/**
 * Says what was going on where the process ends while it shouldn't: the adapter calls process.exit, or awaits what never
 * comes. Such an end must not look like success.
 */
export function tellSuddenEnd(activity: Activity, say: (line: string) => void): () => void {
  const tell = (given: number): void => {
    const why = given === UNSETTLED ? 'it awaits what never comes' : `something called process.exit(${given})`
    say(`the process ended while ${activity.what}: ${why}`)
    process.exitCode = activity.code
  }
  process.on('exit', tell)
  return () => {
    process.off('exit', tell)
  }
}
