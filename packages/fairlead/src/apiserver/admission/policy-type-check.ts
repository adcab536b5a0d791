import { type SchemaField, type SchemaType, schemaTypes } from '@fairlead/api/schema';
import { at, type CelProgram } from '../cel/cel-program.ts';

/** A chain of fields from a variable: `object.spec.x` with the offset of each dot. */
interface FieldChain {
  readonly root: string;
  readonly fields: readonly { readonly name: string; readonly offset: number }[];
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
}

/** Fields an expression reads from `object` and `oldObject` that the type does not have, as cel-go words it. */
export function undefinedFields(program: CelProgram, typeId: string): string | undefined {
  for (const chain of chainsOf(program.ast as unknown as Node)) {
    if (chain.root !== 'object' && chain.root !== 'oldObject') continue;
    let id: string | undefined = typeId;
    for (const { name, offset } of chain.fields) {
      const type: SchemaType | undefined = id === undefined ? undefined : schemaTypes[id];
      if (type?.fields === undefined || type.special !== undefined) break;
      const field: SchemaField | undefined = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
      if (field === undefined) return at(program.source, offset, `undefined field '${name}'`);
      id = field.type === 'object' ? field.ref : undefined;
    }
  }
  return undefined;
}

function chainsOf(node: unknown): FieldChain[] {
  if (Array.isArray(node)) return node.flatMap(chainsOf);
  if (typeof node !== 'object' || node === null || !('op' in node)) return [];
  const { op, args } = node as Node;
  if (op === '.' && Array.isArray(args)) {
    const chain = chainOf(node as Node);
    if (chain !== undefined) return [chain];
  }
  return Array.isArray(args) ? args.flatMap(chainsOf) : chainsOf(args);
}

function chainOf(node: Node): FieldChain | undefined {
  const fields: { name: string; offset: number }[] = [];
  let current = node;
  while (current.op === '.') {
    const [receiver, name] = current.args as [Node, string];
    // The library points behind the dot.
    fields.unshift({ name, offset: current.pos - 1 });
    current = receiver;
  }
  return current.op === 'id' ? { root: String(current.args), fields } : undefined;
}
