/** Cuts a stream of chunks at line feeds; a character or line may span any number of chunks. */
export interface LineSplitter {
  /** The lines completed by this chunk, without their line feed; empty lines are left out. */
  push(chunk: Uint8Array): string[];
}

/** Starts a splitter with nothing pending. */
export function createLineSplitter(): LineSplitter {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  return {
    push(chunk) {
      const text = decoder.decode(chunk, { stream: true });
      const pieces = text.split('\n');
      const last = pieces.pop() ?? '';
      const lines: string[] = [];
      for (const piece of pieces) {
        const line = pending.length === 0 ? piece : pending.join('') + piece;
        pending = [];
        if (line !== '') lines.push(line);
      }
      if (last !== '') pending.push(last);
      return lines;
    },
  };
}
