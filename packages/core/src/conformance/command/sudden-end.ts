/** What is going on, and the exit code if the process ended now. */
export interface Activity {
  what: string
  code: number
}

/**
 * Says what was going on where the process ends while it shouldn't: something awaits what never comes, and nothing else is
 * left to do, or the adapter calls process.exit. Such an end must not look like success.
 */
export function tellSuddenEnd(activity: Activity, say: (line: string) => void): () => void {
  const end = (why: string): void => {
    disarm()
    say(`the process ended while ${activity.what}: ${why}`)
    process.exitCode = activity.code
  }
  const idle = (): void => end('it awaits what never comes')
  const exit = (code: number): void => end(`something called process.exit(${code})`)
  const disarm = (): void => {
    process.off('beforeExit', idle)
    process.off('exit', exit)
  }
  process.on('beforeExit', idle)
  process.on('exit', exit)
  return disarm
}
