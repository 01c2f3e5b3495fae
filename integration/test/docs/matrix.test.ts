import { expect, test } from 'vitest'
import { DOCUMENTS, matrix, matrixIn } from '../../docs/matrix.ts'

test.for(DOCUMENTS)('the guarantee matrix in %s is what the backends declare', (document) => {
  expect(matrixIn(document), 'run: node integration/docs/matrix.ts --write').toBe(matrix())
})
