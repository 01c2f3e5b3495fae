import { execFile } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A wall clock for processes that are started with its environment, which can be set while they run. */
export class SteppableClock {
  readonly env: Readonly<Record<string, string>>
  readonly #file: string
  #offset = 0

  private constructor(file: string, library: string) {
    this.#file = file
    this.env = {
      // The C library comes second so that its `malloc` is used: libfaketime allocates in its first reading of the clock,
      // and if that reading is jemalloc's own, in the middle of its initialization, the process hangs for good.
      LD_PRELOAD: `${library}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    this.step(0)
  }

  /** Rejects where libfaketime is not installed. */
  static async create(folder: string): Promise<SteppableClock> {
    try {
      // Its command knows where its library is.
      const { stdout } = await promisify(execFile)('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'])
      return new SteppableClock(join(folder, 'clock'), stdout.trim())
    } catch (cause) {
      throw new Error('faketime cannot be run: install it (Debian: faketime)', { cause })
    }
  }

  /** Sets the clock forward by so many milliseconds, or back. It holds at once. */
  step(milliseconds: number): void {
    this.#offset += milliseconds
    // Renamed into place: the file is read at each reading of the clock.
    writeFileSync(`${this.#file}.new`, `${this.#offset < 0 ? '-' : '+'}${Math.abs(this.#offset) / 1_000}\n`)
    renameSync(`${this.#file}.new`, this.#file)
  }

  /** Removes what libfaketime leaves behind when a process is killed. */
  forget(pid: number): void {
    for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) rmSync(`/dev/shm/${name}`, { force: true })
  }
}
