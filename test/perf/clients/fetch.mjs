// Node's own fetch, reading the body as an async iterable.
import { body, createScanner, handIn, keepBusy, orders } from './harness.mjs'

const url = `http://127.0.0.1:${orders.port}/v1/chat/completions`
const answers = []

const result = await keepBusy(async (id) => {
  const scanner = createScanner(id)
  answers.push(scanner)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': `bench-${id}` },
    body,
  })
  for await (const bytes of response.body) scanner.push(bytes)
})
handIn(result, answers)
