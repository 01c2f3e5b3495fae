import { containerEngine } from './container-engine.ts'
import { removeOrphans } from './container-owner.ts'

/** Before a test run: ends what an earlier one left behind when it was killed. */
export async function setup(): Promise<void> {
  const engine = await containerEngine()
  if (engine !== undefined) await removeOrphans(engine)
}

/** After it: ends what those of its processes left that crashed. */
export { setup as teardown }
