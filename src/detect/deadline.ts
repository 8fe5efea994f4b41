/** The work's result, or `late` when it takes longer than `ms`. What is late goes on unheard. */
export async function within<T>(
  ms: number,
  work: Promise<T>,
): Promise<{ readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<{ kind: 'late' }>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), ms)
  })
  try {
    return await Promise.race([work.then((value) => ({ kind: 'done', value }) as const), late])
  } finally {
    clearTimeout(timer)
  }
}
