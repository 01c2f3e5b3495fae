/** What `LockBackend.examine` is asked, and what it finds. */

export interface ExamineRequest {
  /**
   * Milliseconds that one request to the backend may take; a whole number above 0. Nobody waits for the findings for longer
   * than ten times that.
   */
  readonly timeout: number
}

export interface Finding {
  /** `ok`: as it should be. `risk`: a promise may be broken, or locks be refused. `unknown`: it could not be seen. */
  readonly severity: 'ok' | 'risk' | 'unknown'
  /** What was looked at, in a word or two: `eviction`, `file system`. The same whatever comes out. */
  readonly subject: string
  /** One line for who runs the backend: what is so; for a risk, why it matters and what to do. No secrets. */
  readonly message: string
}
