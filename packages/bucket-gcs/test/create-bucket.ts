/** Makes a bucket in the emulator. */
export async function createBucket(endpoint: string, name: string): Promise<void> {
  const answer = await fetch(`${endpoint}/storage/v1/b?project=bitstore-test`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`making the bucket ${name}: ${answer.status}`);
}
