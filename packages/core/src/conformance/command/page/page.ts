import type { Report } from '../../report.ts'

export const page = (report: Report): string => JSON.stringify(report)
