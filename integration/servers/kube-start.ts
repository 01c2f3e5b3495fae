import { startKube } from './kube.ts'
import type { Kube } from './kube-api.ts'
import { startKubeContainer } from './kube-container.ts'
import { imageToStart } from './start.ts'

/**
 * Starts one: in a container where a Docker engine is reachable and has the image, else the program. `version` is one of
 * `available('k8s')`; without it the first of these is taken.
 */
export async function startKubeVersion(version?: string): Promise<Kube> {
  const image = await imageToStart('k8s', version)
  return image === undefined ? startKube() : startKubeContainer(image)
}
