"""Errors for what the world does; a caller's mistake is a `ValueError`.

SplareError
├── ClusterError      the embedded OpenSearch could not be fetched, started or stopped
│   └── PortTakenError  … as another process listens on its port
├── EncoderError      a model folder that cannot be read, or lacks an ability
│   ├── EncoderLostError  … as a process of it has ended
│   └── ModelServerError  … as its server does not answer, or refuses
├── ServerError       a model server that cannot be started
├── ConnectError      a cluster that cannot be connected with a model server
├── ConnectionSettingsError  a file that says how to reach a cluster cannot be read
├── MappingError      an index whose mapping does not fit what is asked of it
│   └── NoIndexError  … as there is none of that name
├── ModelMismatchError  a field that holds impacts of another model
├── JobError          an indexing job that cannot go on (locked, ledger unreadable)
├── BulkError         the cluster refuses to take any more documents
├── ReplyError        a reply of the cluster that is not what was asked for
├── DashboardsError   OpenSearch Dashboards cannot be reached, or refuses
├── TrainingError     a training that cannot start or go on
├── RulesError        a file of rewrite rules cannot be read or used
├── SteeringError     profiles that steer queries, or documents to be alike, cannot be had
├── StatisticsError   statistics of a collection that cannot be read or taken
├── LabelError        labels of latents that are not there, or explanations that cannot be read
├── EvaluationError   a data set that cannot be read, or a search of it that failed
└── MissingExtraError   a part of the package whose extra is not installed
"""


class SplareError(Exception):
    """The world is not as it has to be; the message says what to do."""


class ClusterError(SplareError):
    """The embedded OpenSearch could not be fetched, started or stopped."""


class PortTakenError(ClusterError):
    """Another process listens on the port of the embedded OpenSearch."""


class EncoderError(SplareError):
    """A model folder cannot be read, or the model lacks the ability that is asked for."""


class EncoderLostError(EncoderError):
    """A process of an encoder has ended before its work; another one may fare better."""


class ModelServerError(EncoderError):
    """A model server does not answer, refuses, or serves another model than before."""


class ServerError(SplareError):
    """A model server cannot be started."""


class ConnectError(SplareError):
    """A cluster cannot be connected with a model server."""


class ConnectionSettingsError(SplareError):
    """A file that says how to reach a cluster, or as whom, cannot be read or used."""


class MappingError(SplareError):
    """An index has no mapping, or no SPLARE field, that fits the request."""


class NoIndexError(MappingError):
    """There is no index of that name."""


class ModelMismatchError(MappingError):
    """A field holds impacts of another model than the encoder at hand."""


class JobError(SplareError):
    """An indexing job cannot start or go on."""


class BulkError(SplareError):
    """The cluster answers no more, or refuses every document for the same reason."""


class ReplyError(SplareError):
    """A reply of the cluster is not what was asked for: a proxy's page, or cut short."""


class RulesError(SplareError):
    """A file of rewrite rules cannot be read, or says what cannot be."""


class SteeringError(SplareError):
    """What a query is to be steered by cannot be had: a file of profiles, or a document."""


class StatisticsError(SplareError):
    """Statistics of a collection cannot be read, or cannot be taken from its index."""


class DashboardsError(SplareError):
    """OpenSearch Dashboards cannot be reached, or refuses what is asked of it."""


class LabelError(SplareError):
    """Latents have no labels, or explanations cannot be read, or are of another SAE."""


class EvaluationError(SplareError):
    """A data set cannot be read, or a search of it failed."""


class TrainingError(SplareError):
    """A training cannot start or go on: its input, its work folder, or its loss is unusable."""


class MissingExtraError(SplareError, ImportError):
    """What is asked for needs packages that the base installation has not; `pip` brings them."""
