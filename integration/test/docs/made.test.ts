import { expect, test } from 'vitest'
import { PARTS } from '../../docs/kit.ts'
import { partIn } from '../../docs/marks.ts'
import { MATRICES } from '../../docs/matrix.ts'

test.for(MATRICES)('the guarantee matrix in $document is what the backends declare', (matrix) => {
  expect(partIn(matrix), 'run: node integration/docs/matrix.ts --write').toBe(matrix.make())
})

test.for(PARTS)('the $name in $document are those of the kit', (part) => {
  expect(partIn(part), 'run: node integration/docs/kit.ts --write').toBe(part.make())
})
