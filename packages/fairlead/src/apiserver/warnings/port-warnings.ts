import { goQuote } from '@fairlead/api/schema/field-cause';
import { listOf, textOf } from './json-fields.ts';
import type { PlacedContainer } from './pod-warnings.ts';

interface PlacedPort {
  readonly field: string;
  readonly name: string;
  readonly hostPort: number;
  readonly hostIp: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** What a server remarks about ports of a Pod that are in each other's way. */
export function portWarnings(containers: readonly PlacedContainer[]): string[] {
  const ports = containers.flatMap(({ container, field }) =>
    listOf(container, 'ports').map(
      (port, index): PlacedPort => ({
        field: `${field}.ports[${index}]`,
        name: textOf(port, 'name'),
        hostPort: Number(port.hostPort ?? 0),
        hostIp: textOf(port, 'hostIP'),
        containerPort: Number(port.containerPort ?? 0),
        protocol: textOf(port, 'protocol'),
      }),
    ),
  );
  const warnings: string[] = [];
  for (const [index, port] of ports.entries()) {
    if (port.hostIp !== '' && port.hostPort === 0) {
      warnings.push(`${port.field}: hostIP set without hostPort: ${shown(port)}`);
    }
    for (const other of ports.slice(0, index)) {
      if (other.containerPort !== port.containerPort || other.protocol !== port.protocol) continue;
      const kind = conflict(port, other);
      if (kind !== undefined) warnings.push(`${port.field}: ${kind} port definition with ${other.field}`);
    }
  }
  const names = new Map<string, string>();
  for (const { name, field } of ports) {
    const first = names.get(name);
    if (name === '') continue;
    if (first === undefined) names.set(name, field);
    else {
      warnings.push(
        `${field}: duplicate port name ${goQuote(name)} with ${first}, services and probes that select ports by name will use ${first}`,
      );
    }
  }
  return warnings;
}

function conflict(port: PlacedPort, other: PlacedPort): string | undefined {
  if (port.hostIp === other.hostIp && port.hostPort === other.hostPort) return 'duplicate';
  if (port.hostPort === 0 || other.hostPort === 0) return 'overlapping';
  const oneIsAny = (port.hostIp === '') !== (other.hostIp === '');
  return port.hostPort === other.hostPort && oneIsAny ? 'dangerously ambiguous' : undefined;
}

/** As Go prints the port. */
function shown({ name, hostPort, containerPort, protocol, hostIp }: PlacedPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIp}}`;
}
