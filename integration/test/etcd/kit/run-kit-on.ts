import { spawnSync } from 'node:child_process'
import type { ConformanceTarget } from '@locks/core/conformance'
import { expect, test } from 'vitest'
import { sourceOf } from '../../../servers/versions.ts'
import { runKit } from '../../run-kit.ts'

/** The version of the program on the PATH, on which the other targets run. */
const onPath = spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout ?? ''

/** All of the kit where the version can be had, and is another than on the PATH. */
export async function runKitOn(
  version: string,
  load: () => Promise<{ readonly target: ConformanceTarget }>,
): Promise<void> {
  const source = await sourceOf('etcd', version)
  if (onPath.includes(`Version: ${version}.`))
    test(`etcd ${version} is on the PATH: other targets run on it`, () => expect(onPath).toContain('etcd Version'))
  else if ('missing' in source)
    test(`etcd ${version} is left out, and it is said why`, () => expect(source.help).not.toBe(''))
  else runKit((await load()).target)
}
