import { access, constants, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../failure.ts'
import type { Report } from '../report.ts'
import { page } from './page/page.ts'
import { Refusal } from './refusal.ts'

/** Refuses a file that can't be written before minutes are spent on what should go there. */
export async function checkPlace(file: string): Promise<void> {
  const path = resolve(file)
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw new Refusal(`--html ${file}: this is a folder, name a file`)
  try {
    await access(there === undefined ? dirname(path) : path, constants.W_OK)
  } catch (error) {
    throw new Refusal(`--html ${file} can't be written: ${messageOf(error)}`)
  }
}

export const writePage = (file: string, report: Report): Promise<void> => writeFile(resolve(file), page(report))
