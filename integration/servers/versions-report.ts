import type { TestedKind } from './server.ts'
import { leftOut, sourcesOf, versions } from './versions.ts'

// Tells on which servers the tests will run. Images that are missing are pulled now, not in the first test's time.

const kinds = Object.keys(versions) as TestedKind[]
const sources = (await Promise.all(kinds.map(sourcesOf))).flat()
const had = sources.flatMap((source) => {
  if ('missing' in source) return []
  return `${source.kind} ${source.version} (${'image' in source ? 'container' : 'installed'})`
})
for (const line of [had.length > 0 ? had.join(', ') : 'no server', ...leftOut(sources)]) console.log(`  ${line}`)
