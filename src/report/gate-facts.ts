import type { Purpose } from '../load/benchmark.ts'
import type { Gate } from '../measure/summary.ts'
import { sentence } from './facts.ts'

/** What a gate came to; nothing where it was not judged, which its result says. */
export function gateValue({ status, value }: Gate): string {
  return status === 'pass' || status === 'fail' ? value : ''
}

/** Why a gate was not judged, or what to do where it failed. */
export function gateHelp({ status, reason, remedy }: Gate): string {
  switch (status) {
    case 'pass':
      return ''
    case 'fail':
      return remedy
    case 'not-measured':
    case 'does-not-apply':
      return reason === undefined ? '' : capital(sentence(reason))
  }
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** How to read the table of gates. */
export function gateNote(purpose: Purpose): string {
  const limits =
    purpose === 'publish'
      ? 'Limits are those for publishing: whatever fails weakens the run, and so does whatever applies and was not measured.'
      : 'Limits are those for exploring: a failed gate makes the run INVALID or DEGRADED, or is only told, as stated; one that was not measured weakens nothing.'
  return `${limits} A gate that does not apply has nothing in this run that it could be about.`
}
