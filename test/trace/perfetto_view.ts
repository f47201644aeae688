/**
 * What a viewer of Perfetto traces shows of a decoded trace, by the rules of Perfetto's documentation:
 * interned texts are known before they are used, slices of a track end in reverse order, times do
 * not go back, flows start once and end at most once.
 */
import assert from 'node:assert/strict';
import type { Message } from './text_format.ts';

type State = 'open' | 'ended';

export class PerfettoView {
  /** One line for each event. */
  readonly lines: string[] = [];
  readonly #tracks = new Map<string, { name: string; open: string[]; isCounter: boolean }>();
  readonly #texts = new Map<string, string>();
  readonly #flows = new Map<string, State>();
  #time = 0n;

  constructor(trace: Message) {
    assert.deepEqual(unknownFields(trace), []);
    const [first, ...packets] = list(trace, 'packet');
    assert.equal(text(first!, 'sequence_flags'), '1');
    for (const packet of packets) this.#packet(packet);
    for (const [uuid, { name, open }] of this.#tracks) {
      assert.deepEqual(open, [], `slices of track ${uuid}, ${name}, are ended`);
    }
  }

  #packet(packet: Message): void {
    assert.equal(text(packet, 'trusted_packet_sequence_id'), '1');
    for (const interned of list(packet, 'interned_data')) {
      for (const kind of Object.keys(interned)) {
        for (const entry of list(interned, kind)) {
          const key = `${kind} ${text(entry, 'iid')}`;
          assert.ok(!this.#texts.has(key), `${key} is told once`);
          this.#texts.set(key, text(entry, 'name'));
        }
      }
    }
    for (const descriptor of list(packet, 'track_descriptor')) this.#describe(descriptor);
    for (const event of list(packet, 'track_event')) {
      const time = BigInt(text(packet, 'timestamp'));
      assert.ok(time >= this.#time, 'time does not go back');
      this.#time = time;
      this.#show(time, event);
    }
  }

  #describe(descriptor: Message): void {
    const parent = this.#tracks.get(text(descriptor, 'parent_uuid'));
    const own = text(descriptor, 'name');
    const name = parent === undefined ? own : `${parent.name} / ${own}`;
    const uuid = text(descriptor, 'uuid');
    assert.ok(!this.#tracks.has(uuid), 'a track is described once');
    this.#tracks.set(uuid, { name, open: [], isCounter: 'counter' in descriptor });
  }

  #show(time: bigint, event: Message): void {
    const track = this.#tracks.get(text(event, 'track_uuid'));
    assert.ok(track !== undefined, 'the track of an event is described before it');
    const type = text(event, 'type');
    assert.equal(track.isCounter, type === 'TYPE_COUNTER');
    let what: string;
    if (type === 'TYPE_COUNTER') what = `= ${text(event, 'counter_value')}`;
    else if (type === 'TYPE_SLICE_END') {
      const name = track.open.pop();
      assert.ok(name !== undefined, 'a slice that ends has begun');
      what = `} ${name}`;
    } else {
      const name = this.#interned('event_names', text(event, 'name_iid'));
      const category = this.#interned('event_categories', text(event, 'category_iids'));
      if (type === 'TYPE_SLICE_BEGIN') track.open.push(name);
      what = `${type === 'TYPE_SLICE_BEGIN' ? '{' : '.'} ${name} [${category}]`;
    }
    const args = list(event, 'debug_annotations').map((arg) => this.#argument(arg));
    const parts = [what, ...args, ...this.#follow(event)];
    this.lines.push(`${time / 1000n} ${track.name}: ${parts.join(' ')}`);
  }

  #argument(argument: Message): string {
    const name = this.#interned('debug_annotation_names', text(argument, 'name_iid'));
    const values = ['int_value', 'string_value', 'pointer_value'].flatMap((field) =>
      field in argument ? [{ field, value: text(argument, field) }] : [],
    );
    assert.equal(values.length, 1, 'an argument has one value');
    const { field, value } = values[0]!;
    return `${name}=${field === 'pointer_value' ? `0x${BigInt(value).toString(16)}` : value}`;
  }

  #follow(event: Message): string[] {
    const through = (event.flow_ids ?? []).map((id) => {
      const arrow = this.#flows.has(String(id)) ? '->' : '>';
      assert.notEqual(this.#flows.get(String(id)), 'ended', 'a flow does not go on after its end');
      this.#flows.set(String(id), 'open');
      return `${arrow}${id}`;
    });
    const ended = (event.terminating_flow_ids ?? []).map((id) => {
      assert.equal(this.#flows.get(String(id)), 'open', 'a flow that ends has started');
      this.#flows.set(String(id), 'ended');
      return `->${id}|`;
    });
    return [...through, ...ended];
  }

  #interned(kind: string, iid: string): string {
    const known = this.#texts.get(`${kind} ${iid}`);
    assert.ok(known !== undefined, `${kind} ${iid} is told before it is used`);
    return known;
  }
}

function text(message: Message, field: string): string {
  const value = message[field]?.[0] ?? '';
  assert.ok(typeof value === 'string', `${field} is a scalar`);
  return value;
}

function list(message: Message, field: string): Message[] {
  return (message[field] ?? []).map((value) => {
    assert.ok(typeof value !== 'string', `${field} is a message`);
    return value;
  });
}

function unknownFields(message: Message): string[] {
  return Object.entries(message).flatMap(([field, values]) => [
    ...(/^\d+$/.test(field) ? [field] : []),
    ...values.flatMap((value) => (typeof value === 'string' ? [] : unknownFields(value))),
  ]);
}
