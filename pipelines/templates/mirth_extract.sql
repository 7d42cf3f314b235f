-- Grain: one row per connector of each message of the channel whose tables carry the number 12 (see d_channels).
-- For PostgreSQL, read-only. No content leaves the database: only what is cut out of it here. Replace 12, and the custom columns of meta.
select
    channel.channel_id,
    named.name as channel_name,
    m.id as message_id,
    m.received_date as message_received_date,
    first.received_date as source_received_date,
    m.processed,
    m.original_id,
    m.import_id,
    m.import_channel_id,
    mm.id as metadata_id,
    mm.connector_name,
    coalesce(mm.server_id, m.server_id) as server_id,
    mm.received_date,
    mm.status,
    mm.send_attempts,
    mm.send_date,
    mm.response_date,
    mm.error_code,
    substring(answer.content from 'MSA\|([AC][AER])') as ack_code,
    case
        when error.text is null then null
        when error.text ~* '^\s*NACK sent from receiver' then 'nack'
        when error.text ~* 'time[d ]?-?out|timeoutexception|deadline|no (acknowledge?ment|response|reply) within' then 'timeout'
        when error.text ~* 'unauthori|forbidden|access denied|permission|certificate|handshake|\yssl|\ytls\y|log-?in|\y40[13]\y' then 'auth'
        when error.text ~* 'connect|refused|unreachable|unknownhost|no route to host|broken pipe|socket|network' then 'connect'
        when error.text ~* 'out ?of ?memory|heap|disk (is )?full|no space|queue (is )?full|too many|limit exceeded' then 'capacity'
        when error.text ~* 'transformer|javascript|evaluating|script|nullpointer|typeerror|referenceerror' then 'transform'
        when error.text ~* '\yfilter|no (such )?(route|destination|channel)|routing' then 'route'
        when error.text ~* 'configur|not deployed|undeploy|no such (file|directory)|filenotfound|unsupported' then 'config'
        when error.text ~* 'invalid|valid|required|missing|parse|syntax|match|unknown|malformed|duplicate' then 'validate'
        else 'unknown'
    end as error_class,
    coalesce(
        substring(error.text from 'ERR\|[^|\r\n]*\|[^|\r\n]*\|(\d{1,3})\y'),
        substring(error.text from 'MSA\|([AC][AER])')
    ) as hl7_error,
    error.text ~* '^\s*NACK sent from receiver' as is_nack,
    raw.content is not null as has_content,
    substring(lineage.content from '<string>sourceChannelId</string>\s*<string>([^<]*)</string>') as source_channel_id,
    substring(lineage.content from '<string>sourceMessageId</string>\s*<long>([0-9]*)</long>') as source_message_id,
    case when raw.content like 'MSH|%' then split_part(split_part(raw.content, chr(13), 1), '|', 7) end as msh_7,
    coalesce(meta."CONTROL_ID", case when raw.content like 'MSH|%' then split_part(split_part(raw.content, chr(13), 1), '|', 10) end) as control_id,
    coalesce(meta."TYPE", case when raw.content like 'MSH|%' then split_part(split_part(raw.content, chr(13), 1), '|', 9) end) as type,
    meta."MRN" as mrn,
    meta."VISIT" as visit,
    meta."PLACER" as placer
from d_m12 as m
join d_channels as channel
    on channel.local_channel_id = 12
left join channel as named
    on named.id = channel.channel_id
left join d_mm12 as mm
    on mm.message_id = m.id
left join d_mm12 as first
    on first.message_id = m.id
    and first.id = 0
left join d_mc12 as raw
    on raw.message_id = m.id
    and raw.metadata_id = 0
    and raw.content_type = 1
    and not raw.is_encrypted
left join d_mc12 as lineage
    on lineage.message_id = m.id
    and lineage.metadata_id = 0
    and lineage.content_type = 15
    and not lineage.is_encrypted
left join d_mc12 as answer
    on answer.message_id = m.id
    and answer.metadata_id = mm.id
    and answer.content_type = 6
    and not answer.is_encrypted
left join d_mcm12 as meta
    on meta.message_id = m.id
    and meta.metadata_id = 0
left join lateral (
    select string_agg(content, chr(10) order by content_type) as text
    from d_mc12
    where message_id = m.id
        and metadata_id = mm.id
        and content_type in (12, 13, 14)
        and not is_encrypted
        and mm.status in ('E', 'Q')
) as error
    on true
where m.id > 0
order by m.id, mm.id
