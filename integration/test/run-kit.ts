import { type ConformanceTarget, conformanceCases } from '@locks/core/conformance'
import { afterAll, expect, test } from 'vitest'
import type { ServerKind } from '../servers/server.ts'
import { sourceOf } from '../servers/versions.ts'

/** Declares the cases of the kit as tests of this file: all, or those of some themes. */
export function runKit(target: ConformanceTarget, themes: RegExp = /^/): void {
  afterAll(() => target.close?.())
  for (const { name, run, timeout } of conformanceCases(target)) if (themes.test(name)) test(name, run, timeout)
}

/** The same where the version can be had. */
export async function runKitOn(
  kind: ServerKind,
  version: string,
  load: () => Promise<{ readonly target: ConformanceTarget }>,
): Promise<void> {
  const source = await sourceOf(kind, version)
  if ('missing' in source)
    test(`${kind} ${version} is left out, and it is said why`, () => expect(source.help).not.toBe(''))
  else runKit((await load()).target)
}
