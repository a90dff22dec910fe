// Who is affected by an incident: the hub writes `job/office/db-orders`, people want to know what that is.
export interface Member {
  what: string;
  name: string;
  project?: string;
  job?: string;
}

/** Splits a member into what it is and its name. What is not known stays as it is. */
export function readMember(text: string): Member {
  const [kind = '', ...rest] = text.split('/');
  const tail = rest.join('/');
  switch (kind) {
    case 'job': return { what: 'Job', name: tail, project: rest[0] ?? '', job: rest.slice(1).join('/') };
    case 'snapshot': return { what: 'Snapshot', name: tail };
    case 'datastore': return { what: 'Datastore', name: tail };
    case 'worker': case 'node': return { what: 'Worker', name: tail };
    case 'delivery': case 'handler': return { what: 'Handler', name: tail };
    // Work that is no job's: its project, its type, what it reads and what it writes.
    case 'work': {
      const [project = '', type = '', ...ends] = rest;
      return { what: 'Work by hand', name: [type, ends.join('/').replace(/^\/+/, '')].filter((each) => each !== '').join(' '), project };
    }
    default: return { what: '', name: text };
  }
}

const ENDINGS: Record<string, string> = {
  recovered: 'it works again',
  moved: 'went on for another reason',
  removed: 'what failed was removed',
  closed: 'closed by hand',
};

export function endingInWords(ending: string | null | undefined): string {
  return ending == null ? '' : (ENDINGS[ending] ?? ending);
}
