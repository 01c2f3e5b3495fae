import { elections } from './core/elections.ts'
import { Sandbox } from './sandbox.ts'
import { tryCases } from './trial.ts'

const sandbox = await Sandbox.make()
try {
  for (const m of elections) {
    const started = performance.now()
    const v = await sandbox.withMutant(m, (folder) => tryCases(folder, m.target, [m.caughtBy]))
    console.log(Math.round(performance.now() - started), m.flaw, '→', JSON.stringify(v.get(m.caughtBy)).slice(0, 200))
  }
  for (const target of ['memory', 'clockless', 'polling', 'native', 'forgetful']) {
    const names = [...new Set(elections.filter((m) => m.target === target).map((m) => m.caughtBy))]
    if (names.length)
      console.log(
        target,
        [...(await tryCases(sandbox.sound, target, names)).values()].map((v) => v.outcome + v.said).join(),
      )
  }
} finally {
  await sandbox.remove()
}
