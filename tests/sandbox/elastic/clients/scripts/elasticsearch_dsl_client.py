# ruff: noqa: RUF012, T201
"""elasticsearch-dsl, unmodified: documents, searches, aggregations (nested ones too), several searches at once, and its other requests."""

import os
from datetime import UTC, datetime

from elasticsearch_dsl import (
    SF,
    A,
    Boolean,
    Date,
    DateHistogramFacet,
    Document,
    FacetedSearch,
    InnerDoc,
    Integer,
    Keyword,
    MultiSearch,
    Nested,
    NestedFacet,
    Q,
    TermsFacet,
    Text,
    UpdateByQuery,
    connections,
)

client = connections.create_connection(hosts=os.environ["ELASTIC_URL"], api_key=os.environ["ELASTIC_API_KEY"])


class Comment(InnerDoc):
    """A comment below an article."""

    author = Text(fields={"raw": Keyword()})
    stars = Integer()


class Article(Document):
    """An article of the blog that the handbook of elasticsearch-dsl is about."""

    title = Text(analyzer="standard", fields={"raw": Keyword()})
    body = Text()
    tags = Keyword()
    lines = Integer()
    published = Date()
    is_public = Boolean()
    comments = Nested(Comment)

    class Index:
        name = "blog"
        settings = {"number_of_shards": 1}


Article.init()
ARTICLES = [
    (
        "Hello world",
        "the first article about python",
        ["python", "test"],
        10,
        (2024, 1, 5),
        [("Ann", 5), ("Bob", 1)],
    ),
    ("Python tips", "python and more python", ["python"], 20, (2024, 1, 20), [("Ann", 1)]),
    ("Gardening", "flowers need water", ["garden"], 30, (2024, 3, 1), [("Bob", 5)]),
]
for number, (title, body, tags, lines, day, comments) in enumerate(ARTICLES, start=1):
    Article(
        meta={"id": str(number)},
        title=title,
        body=body,
        tags=tags,
        lines=lines,
        is_public=number != 3,
        published=datetime(*day, tzinfo=UTC),
        comments=[Comment(author=author, stars=stars) for author, stars in comments],
    ).save(refresh=True)
first = Article.get(id="1")
assert first.title == "Hello world"
assert first.comments[0].author == "Ann"
assert [each.title for each in Article.mget(["1", "3"])] == ["Hello world", "Gardening"]

found = (
    Article.search()
    .filter("term", is_public=True)
    .query("match", body="python")
    .exclude("match", title="hello")
    .highlight("body", fragment_size=50)
    .execute()
)
assert [hit.meta.id for hit in found] == ["2"]
assert list(found[0].meta.highlight.body) == ["<em>python</em> and more <em>python</em>"]
assert found.hits.total.value == 1

search = Article.search().extra(size=0)
search.aggs.bucket("by_tag", "terms", field="tags").metric("lines", "avg", field="lines").metric(
    "top", "top_hits", size=1, sort=[{"lines": "desc"}]
)
search.aggs.bucket("months", "date_histogram", field="published", calendar_interval="month", format="yyyy-MM")
search.aggs.metric("most", "max", field="lines")
search.aggs.bucket(
    "public", A("filters", filters={"yes": Q("term", is_public=True), "no": Q("term", is_public=False)})
)
answer = search.execute().aggregations
assert [(each.key, each.doc_count, each.lines.value) for each in answer.by_tag.buckets] == [
    ("python", 2, 15.0),
    ("garden", 1, 30.0),
    ("test", 1, 10.0),
]
assert answer.by_tag.buckets[0].top[0].meta.id == "2"
assert [(each.key_as_string, each.doc_count) for each in answer.months.buckets] == [
    ("2024-01", 2),
    ("2024-02", 0),
    ("2024-03", 1),
]
assert answer.most.value == 30.0
assert answer.public.buckets.no.doc_count == 1

search = Article.search().extra(size=0)
comments = search.aggs.bucket("comments", "nested", path="comments")
authors = comments.bucket("authors", "terms", field="comments.author.raw", order={"stars": "asc"})
authors.metric("stars", "avg", field="comments.stars")
authors.bucket("articles", "reverse_nested").bucket("tags", "terms", field="tags")
answer = search.execute().aggregations.comments
assert answer.doc_count == 4
assert [(each.key, each.stars.value) for each in answer.authors.buckets] == [("Ann", 3.0), ("Bob", 3.0)]
assert [each.key for each in answer.authors.buckets[1].articles.tags.buckets] == ["garden", "python", "test"]

several = MultiSearch(index="blog").add(Article.search().query("match", title="python"))
several = several.add(Article.search().filter("term", tags="garden")).add(
    Article.search().query("match", body="flowers")
)
assert [[hit.meta.id for hit in each] for each in several.execute()] == [["2"], ["3"], ["3"]]
missing = MultiSearch().add(Article.search()).add(Article.search().index("nowhere"))
assert [each is None for each in missing.execute(raise_on_error=False)] == [False, True]
assert Article._index.validate_query(query={"match": {"title": "python"}})["valid"]
assert "comments.author.raw" in Article._index.get_field_mapping(fields="comments.*")["blog"]["mappings"]

weighted = Article.search().query(
    "function_score",
    query=Q("match_all"),
    functions=[SF({"weight": 3, "filter": Q("term", tags="garden")})],
)
assert weighted.execute()[0].meta.id == "3"
some = Article.search().query("multi_match", query="pythn tips", fields=["title^2", "body"], fuzziness="AUTO")
assert some.execute()[0].meta.id == "2"
assert {hit.meta.id for hit in Article.search().query("wildcard", title__raw="*o*")} == {"1", "2"}
assert {hit.meta.id for hit in Article.search().query("prefix", title__raw="G")} == {"3"}
assert [hit.meta.id for hit in Article.search().sort("-lines")[0:2]] == ["3", "2"]
assert Article.search().source(["title"]).sort("lines").execute()[0].to_dict() == {"title": "Hello world"}
assert {hit.meta.id for hit in Article.search().query("match", title="python").scan()} == {"2"}
assert Article.search().filter("terms", tags=["garden", "test"]).count() == 2
assert [
    hit.meta.id for hit in Article.search().filter("term", tags="python").collapse("is_public").execute()
] == ["1"]


class Blog(FacetedSearch):
    """The blog by tag and by month."""

    index = "blog"
    doc_types = [Article]
    fields = ["title^5", "body"]
    facets = {
        "tags": TermsFacet(field="tags"),
        "months": DateHistogramFacet(field="published", calendar_interval="month"),
        "authors": NestedFacet("comments", TermsFacet(field="comments.author.raw")),
    }


facets = Blog("python", filters={"tags": "python"}).execute()
assert [(name, count, chosen) for name, count, chosen in facets.facets.tags] == [
    ("python", 2, True),
    ("test", 1, False),
]
assert [(name, count) for name, count, _ in facets.facets.authors] == [("Ann", 2), ("Bob", 1)]

assert (
    Article._index.analyze(body={"analyzer": "standard", "text": "Hello you"})["tokens"][1]["token"] == "you"
)
first.update(lines=11, refresh=True)
assert Article.get(id="1").lines == 11
assert UpdateByQuery(using=client, index="blog").filter("term", tags="test").execute().updated == 1
assert Article.search().filter("term", tags="garden").params(refresh=True).delete()["deleted"] == 1
Article.get(id="2").delete(refresh=True)
assert Article.search().count() == 1
Article._index.delete()
print("elasticsearch_dsl ran through")
