// node:http with a keep-alive agent and `data` events.
import { Agent, request } from 'node:http'
import { body, createScanner, handIn, keepBusy, orders } from './harness.mjs'

const agent = new Agent({ keepAlive: true, maxSockets: orders.streams, noDelay: true })
const answers = []

const result = await keepBusy((id) => {
  const scanner = createScanner(id)
  answers.push(scanner)
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        agent,
        host: '127.0.0.1',
        port: orders.port,
        path: '/v1/chat/completions',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'x-request-id': `bench-${id}`,
        },
      },
      (response) => {
        response.on('data', scanner.push)
        response.on('end', resolve)
        response.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
})
handIn(result, answers)
