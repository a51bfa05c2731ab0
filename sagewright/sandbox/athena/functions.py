"""Why: a function that Athena does not document must fail here as it fails there, and one that is not here says so.

The documented ones are Trino's of Athena's third engine.
https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
"""

from .failures import lacking, semantic
from .grammar import Statement

HERE = frozenset(
    (  # noqa: SIM905 - so many names are read as words
        # aggregates and windows
        "any_value arbitrary avg bool_and bool_or corr count count_if covar_pop covar_samp every max max_by min min_by"
        " stddev stddev_pop stddev_samp sum var_pop var_samp variance"
        " cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"
        # conditions and numbers
        " coalesce greatest if least nullif try"
        " abs ceil ceiling exp floor infinity is_finite is_infinite is_nan ln log10 mod nan pow power round sign sqrt"
        # texts
        " concat length lower lpad ltrim regexp_like replace reverse rpad rtrim split_part starts_with strpos substr"
        " substring trim upper"
        # dates and times
        " at_timezone date date_add date_diff date_format date_parse date_trunc day day_of_year doy from_iso8601_date"
        " from_iso8601_timestamp from_unixtime hour millisecond minute month now quarter second to_unixtime week"
        " with_timezone year"
    ).split()
)
DOCUMENTED = HERE | frozenset(
    (  # noqa: SIM905 - so many names are read as words
        "acos all_match any_match approx_distinct approx_most_frequent approx_percentile approx_set array_agg"
        " array_distinct array_except array_histogram array_intersect array_join array_max array_min"
        " array_position array_remove array_sort array_union arrays_overlap asin atan atan2 bar beta_cdf"
        " bing_tile bit_count bitwise_and bitwise_and_agg bitwise_left_shift bitwise_not bitwise_or"
        " bitwise_or_agg bitwise_right_shift bitwise_right_shift_arithmetic bitwise_xor bitwise_xor_agg"
        " cardinality cbrt checksum chr codepoint color combinations concat_ws contains contains_sequence"
        " convex_hull_agg cos cosh cosine_similarity crc32 current_timezone day_of_month day_of_week degrees"
        " dow e element_at empty_approx_set filter flatten format format_datetime format_number from_base"
        " from_base32 from_base64 from_base64url from_big_endian_32 from_big_endian_64 from_hex"
        " from_ieee754_32 from_ieee754_64 from_iso8601_timestamp_nanos from_unixtime_nanos from_utf8"
        " geometric_mean hamming_distance hash_counts histogram hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512"
        " human_readable_seconds inverse_beta_cdf inverse_normal_cdf is_json_scalar jaccard_index"
        " json_array_contains json_array_get json_array_length json_extract json_extract_scalar json_format"
        " json_parse json_size kurtosis last_day_of_month levenshtein_distance listagg log log2 luhn_check"
        " make_set_digest map map_agg map_concat map_entries map_filter map_from_entries map_keys map_union"
        " map_values map_zip_with md5 merge merge_set_digest multimap_agg multimap_from_entries murmur3 ngrams"
        " none_match normal_cdf normalize numeric_histogram parse_data_size parse_datetime parse_duration pi"
        " qdigest_agg quantile_at_value radians rand random reduce reduce_agg regexp_count regexp_extract"
        " regexp_extract_all regexp_position regexp_replace regexp_split regr_intercept regr_slope render"
        " repeat rgb sequence sha1 sha256 sha512 shuffle simplify_geometry sin sinh skewness slice soundex"
        " split split_to_map split_to_multimap spooky_hash_v2_32 spooky_hash_v2_64 st_area st_asbinary"
        " st_astext st_buffer st_centroid st_contains st_distance st_intersects st_point st_within tan tanh"
        " tdigest_agg timezone_hour timezone_minute to_base to_base32 to_base64 to_base64url to_big_endian_32"
        " to_big_endian_64 to_geometry to_hex to_ieee754_32 to_ieee754_64 to_iso8601 to_milliseconds to_utf8"
        " transform transform_keys transform_values translate trim_array truncate typeof url_decode url_encode"
        " url_extract_fragment url_extract_host url_extract_parameter url_extract_path url_extract_port"
        " url_extract_protocol url_extract_query uuid value_at_quantile values_at_quantiles width_bucket"
        " wilson_interval_lower wilson_interval_upper word_stem xxhash64 year_of_week yow zip zip_with"
    ).split()
)
TYPES = frozenset(
    {
        *("bigint", "boolean", "char", "date", "decimal", "double", "int", "integer", "real", "smallint", "timestamp"),
        *("tinyint", "varchar"),
    }
)
_MORE_TYPES = frozenset({"ipaddress", "json", "time", "uuid", "varbinary", "hyperloglog", "tdigest", "qdigest"})
_ONLY_OVER_A_WINDOW = frozenset(
    {
        *("cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank"),
        *("rank", "row_number"),
    }
)
# The most arguments that a function may have here, of those that may have more in AWS.
_MOST_ARGUMENTS = {
    **dict.fromkeys(("max_by", "min_by"), 2),
    **dict.fromkeys(("max", "min", "from_unixtime", "trim", "ltrim", "rtrim"), 1),
}


def check(statement: Statement) -> None:
    """Refuse functions and types that Athena does not have, and by name those that the sandbox lacks."""
    for call in statement.calls:
        where = (call.token.line, call.token.column)
        if call.name not in DOCUMENTED:
            raise semantic("FUNCTION_NOT_FOUND", where, f"Function '{call.name}' not registered")
        if call.name not in HERE:
            raise lacking(f"the function {call.name} (line {where[0]}:{where[1]})")
        if call.arguments > _MOST_ARGUMENTS.get(call.name, call.arguments):
            raise lacking(f"{call.name} with {call.arguments} arguments (line {where[0]}:{where[1]})")
        if call.name in _ONLY_OVER_A_WINDOW and not call.over:
            problem = f"Window function {call.name} requires an OVER clause"
            raise semantic("MISSING_OVER", where, problem)
    for named in statement.types:
        where = (named.token.line, named.token.column)
        if named.name in _MORE_TYPES or named.name == "double precision":
            raise lacking(f"the type {named.name} (line {where[0]}:{where[1]})")
        if named.name not in TYPES:
            raise semantic("TYPE_NOT_FOUND", where, f"Unknown type: {named.name}")
